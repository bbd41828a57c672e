#pragma once

#include "commands/options/request.hpp"

/// What each command does. All throw Error and give the process's exit code.
namespace ganvas::cli {

int run(const UpscaleRequest& request);
int run(const TranslateRequest& request);
int run(const StylizeRequest& request);
int run(const GenerateRequest& request);
int run(const TrainRequest& request);
int run(const SweepRequest& request);
int run(const EvalRequest& request);
int run(const ModelInfoRequest& request);
int run(const ModelListRequest& request);
int run(const ModelConvertRequest& request);
int run(const ModelBlendRequest& request);
int run(const ModelExportRequest& request);
int run(const ModelQuantizeRequest& request);
int run(const ModelTuneRequest& request);
int run(const ModelCheckRequest& request);
int run(const ModelFetchRequest& request);
int run(const DataCheckRequest& request);
int run(const DataDegradeRequest& request);
int run(const DataAugmentRequest& request);
int run(const DataPairRequest& request);
int run(const DataEdgesRequest& request);
int run(const DataGrayRequest& request);
int run(const DataLabelsRequest& request);
int run(const ReportRequest& request);
int run(const CompareRequest& request);

}  // namespace ganvas::cli
