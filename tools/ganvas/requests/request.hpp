#pragma once

#include <variant>

#include "ganvas/core/log.hpp"
#include "requests/compare.hpp"
#include "requests/data.hpp"
#include "requests/eval.hpp"
#include "requests/model.hpp"
#include "requests/report.hpp"
#include "requests/train.hpp"
#include "requests/translate.hpp"
#include "requests/upscale.hpp"

/// What the program hands to the library of commands.
namespace ganvas::cli {

/// A command with its options, checked as far as that goes without pictures and networks.
using Request =
    std::variant<UpscaleRequest, TranslateRequest, TrainRequest, EvalRequest, ModelInfoRequest, ModelListRequest,
                 ModelConvertRequest, ModelBlendRequest, ModelCheckRequest, ModelExportRequest, ModelQuantizeRequest,
                 ModelFetchRequest, DataCheckRequest, DataDegradeRequest, DataPairRequest, DataEdgesRequest,
                 DataGrayRequest, DataLabelsRequest, ReportRequest, CompareRequest>;

/// The library's one symbol. Both sides have their own copy of core with its log and interrupt flag; from here on the
/// library's counts. It reports errors itself and returns the process's exit code: no exception crosses.
using RunFunction = int (*)(const Request& request, LogLevel level) noexcept;
inline constexpr const char* run_function_name = "ganvas_run";

}  // namespace ganvas::cli
