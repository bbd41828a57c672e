// The commands that make paired training sets for image-to-image translation.
#include <memory>

#include "cli/commands.hpp"
#include "cli/loader.hpp"
#include "ganvas/core/error.hpp"
#include "ganvas/imaging/format_name.hpp"

namespace ganvas::cli {

namespace {

void add_places(CLI::App& command, TreeRequest& tree) {
  command.add_option("places", tree.places, "Folders (searched recursively) or files")->required();
}

void add_output(CLI::App& command, TreeRequest& tree, const std::string& what) {
  command.add_option("-o,--out", tree.out, "Folder of " + what + "; the tree is mirrored")->required();
  command.add_option("--limit", tree.limit, "Only the first N pictures")->type_name("N")->check(CLI::PositiveNumber);
  command.add_flag("--force", tree.force, "Replace existing files");
}

void add_format(CLI::App& command, TreeRequest& tree) {
  command.add_option("--format", tree.format, format_choices())->capture_default_str();
}

void check_format(const TreeRequest& tree) {
  if (!format_from_name(tree.format)) fail(ErrorKind::usage, "--format {}: expected {}", tree.format, format_choices());
}

void add_pair(CLI::App& data, Action& action) {
  auto request = std::make_shared<DataPairRequest>();
  CLI::App* command = data.add_subcommand("pair", "Put pictures of the same names side by side, A left and B right");
  command->add_option("a", request->a, "Folder of the left pictures (searched recursively)")->required();
  command->add_option("b", request->b, "Folder of the right ones: same names and sizes, any extension")->required();
  add_output(*command, request->tree, "the pairs");
  add_format(*command, request->tree);
  command->callback([request, &action] {
    check_format(request->tree);
    action = [request] { return run_in_library(*request); };
  });
}

void add_edges(CLI::App& data, Action& action) {
  auto request = std::make_shared<DataEdgesRequest>();
  CLI::App* command = data.add_subcommand("edges", "Draw the lines of photographs");
  add_places(*command, request->tree);
  add_output(*command, request->tree, "the drawings");
  add_format(*command, request->tree);
  command->add_option("--method", request->method, "canny, or log: zero crossings of the Laplacian of a Gaussian")
      ->capture_default_str()
      ->check(CLI::IsMember({"canny", "log"}));
  command->add_option("--sigma", request->sigma, "Of the Gaussian, pixels: more, fewer lines (default: 1.4; log: 2)")
      ->check(CLI::Range(0.0, 20.0));
  command->add_option("--high", request->high, "canny: gradient where lines start (default: 0.8 times the gray median)")
      ->check(CLI::NonNegativeNumber);
  command->add_option("--low", request->low, "canny: gradient to which they go on (default: half of --high)")
      ->check(CLI::NonNegativeNumber);
  command
      ->add_option("--threshold", request->threshold,
                   "log: height of a step that gives a line, levels of 255 (default: from the picture's mean)")
      ->check(CLI::NonNegativeNumber);
  command->add_flag("--white-lines", request->white_lines, "White on black instead of black on white");
  command->add_flag("--pair", request->pair, "Drawing and photograph side by side");
  command->callback([request, &action] {
    check_format(request->tree);
    const bool log = request->method == "log";
    if (log && (request->low || request->high)) fail(ErrorKind::usage, "--low and --high belong to --method canny");
    if (!log && request->threshold) fail(ErrorKind::usage, "--threshold belongs to --method log");
    if (log && request->sigma == 0.0) fail(ErrorKind::usage, "--method log needs a --sigma above 0");
    if (request->low && request->high && *request->low > *request->high)
      fail(ErrorKind::usage, "--low {} is above --high {}", *request->low, *request->high);
    action = [request] { return run_in_library(*request); };
  });
}

void add_gray(CLI::App& data, Action& action) {
  auto request = std::make_shared<DataGrayRequest>();
  CLI::App* command = data.add_subcommand("gray", "Take the colours out (BT.601 luma)");
  add_places(*command, request->tree);
  add_output(*command, request->tree, "the gray pictures");
  add_format(*command, request->tree);
  command->add_flag("--pair", request->pair, "Gray and original side by side");
  command->callback([request, &action] {
    check_format(request->tree);
    action = [request] { return run_in_library(*request); };
  });
}

void add_labels(CLI::App& data, Action& action) {
  auto request = std::make_shared<DataLabelsRequest>();
  CLI::App* command = data.add_subcommand("labels", "Colour pictures of class numbers (gray or palette PNGs), or back");
  add_places(*command, request->tree);
  add_output(*command, request->tree, "the coloured maps (PNG)");
  command->add_option("--palette", request->palette,
                      "Lines \"index r g b\" or \"index #rrggbb\", # comments (default: PASCAL VOC's colours)");
  CLI::Option* reverse = command->add_flag("--reverse", request->reverse, "From colours to class numbers");
  command->add_option("--tolerance", request->tolerance, "How far (RGB, of 255) a colour may be from its class's")
      ->capture_default_str()
      ->check(CLI::Range(0.0, 442.0))
      ->needs(reverse);
  command->add_option("--classes", request->classes, "How many of the default colours are in use")
      ->capture_default_str()
      ->check(CLI::Range(1, 65536))
      ->needs(reverse);
  command->callback([request, &action] { action = [request] { return run_in_library(*request); }; });
}

}  // namespace

void add_data_pairs(CLI::App& data, Action& action) {
  add_pair(data, action);
  add_edges(data, action);
  add_gray(data, action);
  add_labels(data, action);
}

}  // namespace ganvas::cli
