// The program without its library of commands: what must work before LibTorch and OpenCV are loaded.
#include <torch/torch.h>

#include "cli/program.hpp"
#include "ganvas/format/safetensors.hpp"
#include "ganvas/nn/feature_network.hpp"
#include "ganvas/nn/noise_generator.hpp"
#include "ganvas/nn/registry.hpp"
#include "ganvas/nn/style_network.hpp"

using namespace ganvas;
using namespace ganvas::test;
namespace fs = std::filesystem;

namespace {

/// The program alone in a folder, with the models of `models`.
class Alone {
 public:
  explicit Alone(const fs::path& models) {
    fs::copy_file(GANVAS_BINARY, folder_ / "ganvas");
    setting_.binary = (folder_ / "ganvas").string();
    setting_.environment = {{"GANVAS_MODELS", models.string()}, {"XDG_CACHE_HOME", folder_.path().string()}};
  }
  Finished run(const std::vector<std::string>& arguments) const { return run_ganvas(arguments, {}, setting_); }

 private:
  TemporaryFolder folder_;
  Setting setting_;
};

std::int64_t parameter_count(const torch::nn::Module& network) {
  std::int64_t count = 0;
  for (const auto& parameter : network.parameters()) count += parameter.numel();
  // What a file's header can't tell from parameters: constants of the network's own.
  for (const auto& buffer : network.named_buffers()) {
    const std::string& key = buffer.key();
    const bool statistic = key.ends_with(".running_mean") || key.ends_with(".running_var") || key.ends_with(".filt");
    if (buffer.value().is_floating_point() && !statistic) count += buffer.value().numel();
  }
  return count;
}

std::string row(const std::string& name, const std::string& scale, const std::string& architecture,
                std::int64_t parameters) {
  return fmt::format("{:<20} {:<3} {:<14} {:>10} parameters\n", name, scale, architecture, parameters);
}

}  // namespace

TEST_CASE("cold start: help, version and wrong arguments need no library, commands name the missing one") {
  const Alone program(fs::path(GANVAS_SOURCE_DIR) / "models");
  const Finished help = program.run({"--help"});
  CHECK(help.code == 0);
  CHECK(contains(help.out, "upscale"));
  CHECK(program.run({"train", "--help"}).code == 0);
  CHECK(program.run({"--version"}).code == 0);
  CHECK(program.run({"model", "fetch", "--list"}).code == 0);

  const std::vector<std::string> upscale{"upscale", "x.png", "-o", "y"};
  using Wrong = std::pair<std::vector<std::string>, const char*>;  // and a part of the message
  for (const auto& [wrong, part] : {Wrong{{"--no-such-option"}, "--no-such-option"},
                                    {{"--scale", "2", "--width", "5"}, "--width"},
                                    {{"--tile", "7"}, "--tile 7"},
                                    {{"--shard", "3/2"}, "--shard 3/2"},
                                    {{"--shard", "auto"}, "SLURM array"},
                                    {{"--format", "gif"}, "--format gif"},
                                    {{"--force", "--skip-existing"}, "--skip-existing"},
                                    {{"--model", "no-such-model"}, "no-such-model"}}) {
    std::vector<std::string> arguments = upscale;
    arguments.insert(arguments.end(), wrong.begin(), wrong.end());
    const Finished result = program.run(arguments);
    CAPTURE(result.err);
    CHECK(result.code == 2);
    CHECK(contains(result.err, part));
  }
  CHECK(program.run({"train", "no-such-recipe", "--data", "x"}).code == 2);
  const Finished alone = program.run({"train", "photo-x4", "--data", "x", "--new-data"});
  CHECK(alone.code == 2);
  CHECK(contains(alone.err, "--resume"));
  const Finished without = program.run({"stylize", "x.png", "--style", "y.png"});
  CHECK(without.code == 2);
  CHECK(contains(without.err, "-o is required"));
  CHECK(program.run({"eval", "x", "y", "--bicubic"}).code == 2);
  CHECK(program.run({"model", "info", "no-such-model"}).code == 2);
  CHECK(program.run({"model", "fetch", "no-such-file"}).code == 2);

  for (const auto& arguments : std::vector<std::vector<std::string>>{upscale, {"model", "info", "photo-x4"}}) {
    const Finished result = program.run(arguments);
    CAPTURE(result.err);
    CHECK(result.code == 1);
    CHECK(result.out.empty());
    CHECK(contains(result.err, "libganvas-commands"));
    CHECK(contains(result.err, "is missing"));
    CHECK(std::count(result.err.begin(), result.err.end(), '\n') == 1);
  }
}

TEST_CASE("cold start: the program itself is linked with neither LibTorch nor OpenCV") {
  const Finished libraries = run_ganvas({}, {}, {.environment = {{"LD_TRACE_LOADED_OBJECTS", "1"}}});
  REQUIRE(contains(libraries.out, "libc.so"));
  for (const char* heavy : {"libtorch", "libc10", "libopencv", "libcurl", "libexiv2"}) {
    CAPTURE(libraries.out);
    CHECK_FALSE(contains(libraries.out, heavy));
  }
}

TEST_CASE("cold start: model list without the library tells what the registries and networks tell") {
  const TemporaryFolder folder;
  std::map<std::string, std::string> rows;  // sorted by name, as the list is
  const auto file_of = [&](const std::string& name) {
    fs::create_directories(folder / name);
    return folder / name / "model.safetensors";
  };
  std::string plugins = "\nArchitectures that a model file may hold:\n";
  for (const auto& plugin : generator_plugins()) {
    plugins += fmt::format("{:<20} {}\n", plugin.name, plugin.summary);
    for (std::size_t i = 0; i < plugin.examples.size(); ++i) {
      const auto network = plugin.make(plugin.examples[i]);
      const std::string name = fmt::format("{}-{}", plugin.name, i);
      save_generator(file_of(name), *network, {}, /*half=*/i == 1);
      rows[name] = row(name, fmt::format("x{}", network->info().scale), plugin.name, parameter_count(*network));
    }
  }
  plugins += "\nNetworks that give pictures the style of others:\n";
  for (const auto& plugin : style_network_plugins()) {
    plugins += fmt::format("{:<20} {}\n", plugin.name, plugin.summary);
    for (std::size_t i = 0; i < plugin.examples.size(); ++i) {
      const auto network = plugin.make(plugin.examples[i]);
      const std::string name = fmt::format("{}-{}", plugin.name, i);
      save_style_network(file_of(name), *network, {}, /*half=*/i == 1);
      rows[name] = row(name, "", plugin.name, parameter_count(*network));
    }
  }
  plugins += "\nNetworks that make pictures from noise:\n";
  for (const auto& plugin : noise_generator_plugins()) {
    plugins += fmt::format("{:<20} {}\n", plugin.name, plugin.summary);
    for (std::size_t i = 0; i < plugin.examples.size(); ++i) {
      const auto network = plugin.make(plugin.examples[i]);
      const std::string name = fmt::format("{}-{}", plugin.name, i);
      save_noise_generator(file_of(name), *network, {});
      rows[name] = row(name, "", plugin.name, parameter_count(*network));
    }
  }
  plugins += "\nNetworks for perceptual losses and LPIPS:\n";
  for (const auto& plugin : feature_plugins()) {
    plugins += fmt::format("{:<20} {}\n", plugin.name, plugin.summary);
    for (std::size_t i = 0; i < plugin.examples.size(); ++i) {
      const auto network = plugin.make(plugin.examples[i]);
      StateDict heads;
      heads.set("lin0.model.1.weight", torch::ones({1, 4, 1, 1}));
      network->set_heads(std::move(heads));
      const std::string name = fmt::format("{}-{}", plugin.name, i);
      save_feature_network(file_of(name), *network);
      rows[name] = row(name, "", plugin.name, parameter_count(*network));
    }
  }
  const auto expected = [&] {
    std::string text;
    for (const auto& [name, line] : rows) text += line;
    return text + plugins;
  };
  const Alone program(folder.path());
  const Finished list = program.run({"model", "list"});
  CHECK(list.err.empty());
  CHECK(list.code == 0);
  CHECK(list.out == expected());

  // A file that doesn't say what it is must be loaded.
  const auto network = make_generator("compact", {{"channels", 8}, {"convs", 1}, {"scale", 2}});
  write_safetensors(file_of("silent"), state_dict_of(*network));
  rows["silent"] = row("silent", "x2", "compact", parameter_count(*network));
  CHECK(program.run({"model", "list"}).code == 1);
  const Setting setting{.environment = {{"GANVAS_MODELS", folder.path().string()}}};
  const Finished loaded = run_ganvas({"model", "list"}, {}, setting);
  CHECK(loaded.code == 0);
  for (const auto& [name, line] : rows) {  // beside those that ship
    CAPTURE(line);
    CHECK(contains(loaded.out, line));
  }
  CHECK(loaded.out.ends_with(plugins));
  // One that was cut off is named by its loading.
  const fs::path cut = file_of("silent");
  save_generator(cut, *network);
  fs::resize_file(cut, fs::file_size(cut) - 1);
  const Finished damaged = run_ganvas({"model", "list"}, {}, setting);
  CHECK(damaged.code == 1);
  CHECK(contains(damaged.err, "damaged"));
}
