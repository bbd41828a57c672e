#pragma once

#include <variant>

#include "commands/options/compare.hpp"
#include "commands/options/data.hpp"
#include "commands/options/eval.hpp"
#include "commands/options/generate.hpp"
#include "commands/options/model.hpp"
#include "commands/options/report.hpp"
#include "commands/options/stylize.hpp"
#include "commands/options/sweep.hpp"
#include "commands/options/train.hpp"
#include "commands/options/translate.hpp"
#include "commands/options/upscale.hpp"
#include "ganvas/core/log.hpp"

/// What the program hands to the library of commands.
namespace ganvas::cli {

/// A command with its options, checked as far as that goes without pictures and networks.
using Request =
    std::variant<UpscaleRequest, TranslateRequest, StylizeRequest, GenerateRequest, TrainRequest, SweepRequest,
                 EvalRequest, ModelInfoRequest, ModelListRequest, ModelConvertRequest, ModelBlendRequest,
                 ModelCheckRequest, ModelExportRequest, ModelQuantizeRequest, ModelTuneRequest, ModelFetchRequest,
                 DataCheckRequest, DataDegradeRequest, DataAugmentRequest, DataPairRequest, DataEdgesRequest,
                 DataGrayRequest, DataLabelsRequest, ReportRequest, CompareRequest>;

/// The library's one symbol. Both sides have their own copy of core with its log and interrupt flag; from here on the
/// library's counts, and `interrupted_before` tells of a signal that came while it was loaded. It reports errors itself
/// and returns the process's exit code: no exception crosses.
using RunFunction = int (*)(const Request& request, LogLevel level, bool (*interrupted_before)()) noexcept;
inline constexpr const char* run_function_name = "ganvas_run";

}  // namespace ganvas::cli
