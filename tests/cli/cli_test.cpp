#include <fstream>
#include <set>

#include "cli/program.hpp"
#include "ganvas/format/safetensors.hpp"
#include "ganvas/imaging/resize.hpp"
#include "ganvas/nn/noise_generator.hpp"
#include "ganvas/nn/registry.hpp"

using namespace ganvas;
using namespace ganvas::test;
namespace fs = std::filesystem;

namespace {

/// A network of a few weights, always the same for one seed.
std::string save_model(const fs::path& path, int seed = 1, const nlohmann::json& more = nlohmann::json::object()) {
  nlohmann::json config{{"channels", 8}, {"convs", 1}, {"scale", 2}};
  config.update(more);
  torch::manual_seed(seed);
  save_generator(path, *make_generator("compact", config), {{"note", "kept"}});
  return path.string();
}

std::set<std::string> names_in(const fs::path& folder) {
  std::set<std::string> names;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder, error)) names.insert(entry.path().filename().string());
  return names;
}

std::size_t finished_files(const fs::path& folder) {
  std::size_t count = 0;
  for (const auto& name : names_in(folder)) count += name[0] != '.';
  return count;
}

}  // namespace

TEST_CASE("cli: upscale chooses the model by the condition of each picture, and says which") {
  const TemporaryFolder folder;
  const Image cat = read_image(std::string(GANVAS_SOURCE_DIR) + "/data/samples/cat.png").image;
  const Image part(cat.pixels(cv::Rect(60, 40, 96, 96)).clone());
  fs::create_directories(folder / "in");
  write_image(folder / "in" / "clean.png", part);
  write_image(folder / "in" / "fine.jpg", part, {}, {.quality = 97});
  write_image(folder / "in" / "rough.jpg", part, {}, {.quality = 60});
  write_image(folder / "in" / "stored again.png", read_image(folder / "in" / "rough.jpg").image);
  const auto chosen = [&](std::vector<std::string> more) {
    std::vector<std::string> arguments{
        "upscale", (folder / "in").string(), "-o", (folder / "out").string(), "--force", "--json", "--format", "png"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    const Finished result = run_ganvas(arguments);
    CHECK(result.code == 0);
    std::map<std::string, std::string> models;
    for (const auto& line : result.lines())
      models[fs::path(line["input"].get<std::string>()).filename().string()] =
          line["model"].get<std::string>() + ": " + line.value("degraded", "fine");
    return models;
  };
  using Models = std::map<std::string, std::string>;
  CHECK(chosen({}) == Models{{"clean.png", "photo-x4: fine"},
                             {"fine.jpg", "photo-x4: fine"},
                             {"rough.jpg", "photo-x4-real: JPEG quality 60"},
                             {"stored again.png", "photo-x4-real: JPEG quality 60"}});
  const std::string xmp = read_metadata(read_file(folder / "out" / "rough.png")).xmp;
  CHECK(xmp.find("ganvas:model=\"photo-x4-real\"") != std::string::npos);
  CHECK(xmp.find("ganvas:degraded=\"JPEG quality 60\"") != std::string::npos);
  Models twofold = chosen({"--model", "auto", "--scale", "2"});
  CHECK(twofold["clean.png"] == "photo-x2: fine");
  CHECK(twofold["rough.jpg"] == "photo-x2-real: JPEG quality 60");
  CHECK(read_image(folder / "out" / "rough.png").image.width() == 192);
  for (const auto& [name, model] : chosen({"-m", "photo-x4"})) CHECK(model == "photo-x4: fine");
}

TEST_CASE("help, version, wrong usage") {
  const Finished help = run_ganvas({"--help"});
  CHECK(help.code == 0);
  CHECK(help.err.empty());
  for (const char* command : {"upscale", "train", "eval", "model", "data"}) CHECK(contains(help.out, command));
  const Finished version = run_ganvas({"--version"});
  CHECK(version.code == 0);
  CHECK(version.out.starts_with("ganvas "));
  check_error(run_ganvas({"upscale", "x.png", "-o", "y.png", "--no-such-option"}), 2, {"--no-such-option"});
  check_error(run_ganvas({}), 2, {"--help"});
  check_error(run_ganvas({"upscale", "x.png", "-o", "y", "--scale", "2", "--width", "5"}), 2, {"--scale", "--width"});
  check_error(run_ganvas({"upscale", "x.png", "-o", "y", "-m", "no-such-model"}), 2, {"no-such-model"});
  check_error(run_ganvas({"train", "no-such-recipe", "--data", "x"}), 2, {"no-such-recipe", "photo-x4"});
}

TEST_CASE("upscale: a folder with good and bad files, a dry run, standard input and output") {
  const TemporaryFolder folder;
  const std::string model = save_model(folder / "m.safetensors");
  fs::create_directories(folder / "in/sub");
  write_image(folder / "in/a.png", noise(21, 13, 3, Depth::u8));
  write_image(folder / "in/sub/ü 写真.png", noise(9, 7, 4, Depth::u16));
  std::ofstream(folder / "in/bad.png") << "text";
  std::ofstream(folder / "in/notes.txt") << "text";
  const std::string in = (folder / "in").string(), out = (folder / "out").string();

  const Finished dry = run_ganvas({"upscale", in, "-o", out, "-m", model, "-r", "--dry-run", "--scale", "2.5"});
  CHECK(dry.code == 1);  // the bad file shows already
  CHECK(contains(dry.out, "21x13 -> "));
  CHECK(contains(dry.out, "53x33"));
  CHECK_FALSE(fs::exists(out));

  const Finished result = run_ganvas({"upscale", in, "-o", out, "-m", model, "-r", "--json", "--name",
                                      "{stem}_{model}_x{scale}", "--precision", "fp32"});
  CHECK(result.code == 1);
  CHECK(contains(result.err, "bad.png"));
  REQUIRE(result.lines().size() == 3);
  for (const auto& line : result.lines()) {
    const bool bad = contains(line.at("input").get<std::string>(), "bad.png");
    CHECK(line.at("status") == (bad ? "failed" : "done"));
    if (bad) continue;
    const Image image = read_image(line.at("output").get<std::string>()).image;
    CHECK(image.width() == 2 * line.at("width").get<int>());
    CHECK(image.height() == line.at("output_height").get<int>());
  }
  CHECK(names_in(out) == std::set<std::string>{"a_m_x2.png", "sub"});
  const Image deep = read_image(folder / "out/sub/ü 写真_m_x2.png").image;
  CHECK(deep.channels() == 4);
  CHECK((deep.depth() == Depth::u16));

  // What helps is said in the command's own words.
  const auto again = [&](std::vector<std::string> more) {
    std::vector<std::string> all{"upscale", in, "-o", out, "-m", model, "--name", "{stem}_{model}_x{scale}"};
    all.insert(all.end(), more.begin(), more.end());
    return run_ganvas(all).err;
  };
  CHECK(contains(again({}), "exists already; give --force or --skip-existing"));
  CHECK(contains(again({"--force", "--max-pixels", "100"}), "--max-pixels"));

  const Bytes picture = read_file(folder / "in/a.png");
  const Finished piped = run_ganvas({"-q", "upscale", "-", "-o", "-", "-m", model, "--precision", "fp32"},
                                    std::string(picture.begin(), picture.end()));
  CHECK(piped.code == 0);
  CHECK(piped.err.empty());
  const Bytes filed = read_file(folder / "out/a_m_x2.png");
  CHECK(piped.out == std::string(filed.begin(), filed.end()));
  check_error(run_ganvas({"-q", "upscale", "-", "-o", "-", "-m", model}, "not a picture"), 1, {"standard input"});
}

TEST_CASE("upscale: a closed stream gets no message into a picture, names no command to the terminal") {
  const TemporaryFolder folder;
  const std::string model = save_model(folder / "m.safetensors");
  fs::create_directories(folder / "in");
  for (int i = 0; i < 8; ++i) {
    write_image(folder / fmt::format("in/{}.png", 2 * i), noise(40, 30, 3, Depth::u8, i));
    std::ofstream(folder / fmt::format("in/{}.png", 2 * i + 1)) << "text";
  }
  const auto shell = [&](const std::string& out, const std::string& streams) {
    const std::string command = fmt::format("{} upscale {} -o {} -m {} --format bmp {}", GANVAS_BINARY,
                                            (folder / "in").string(), (folder / out).string(), model, streams);
    return run_ganvas({"-c", command}, {}, {.binary = "/bin/sh", .environment = {}}).code;
  };
  CHECK(shell("plain", "2>/dev/null") == 1);
  CHECK(shell("closed", "2>&-") == 1);
  CHECK(shell("silent", ">&- 2>/dev/null") == 1);
  for (int i = 0; i < 8; ++i)
    for (const char* out : {"closed", "silent"}) {
      const std::string name = fmt::format("{}.bmp", 2 * i);
      // Without a reader of the results the work ends early, but what there is is whole.
      const bool there = fs::exists(folder / out / name);
      CHECK((there || std::string(out) == "silent"));
      if (there) CHECK(read_file(folder / out / name) == read_file(folder / "plain" / name));
    }

  write_image(folder / "a\x1b[31m\n.png", noise(9, 7, 3, Depth::u8));
  const Finished odd =
      run_ganvas({"upscale", (folder / "a\x1b[31m\n.png").string(), "-o", (folder / "odd").string(), "-m", model});
  CHECK(odd.code == 0);
  CHECK_FALSE(contains(odd.err, "\x1b"));
  check_error(run_ganvas({"-q", "upscale", (folder / "in/0.png").string(), "-o", (folder / "x").string(), "-m", model,
                          "--width", "999999", "--height", "999999"}),
              1, {"GiB"});
}

TEST_CASE("model: info, convert, blend, check") {
  const TemporaryFolder folder;
  const std::string a = save_model(folder / "a.safetensors", 1), b = save_model(folder / "b.safetensors", 2);
  const Finished info = run_ganvas({"model", "info", a, "--json"});
  CHECK(info.code == 0);
  REQUIRE(info.lines().size() == 1);
  CHECK(info.lines()[0].at("architecture") == "compact");
  CHECK(info.lines()[0].at("scale") == 2);
  CHECK(info.lines()[0].at("receptive_field") == 7);
  CHECK(info.lines()[0].at("metadata").at("note") == "kept");

  // There and back: the same tensors.
  CHECK(run_ganvas({"model", "convert", a, (folder / "c.pth").string()}).code == 0);
  CHECK(run_ganvas({"model", "convert", (folder / "c.pth").string(), (folder / "d.safetensors").string()}).code == 0);
  const StateDict first = read_safetensors(a).tensors, second = read_safetensors(b).tensors;
  const StateDict back = read_safetensors(folder / "d.safetensors").tensors;
  CHECK(back.size() == first.size());
  for (const auto& [key, tensor] : first) CHECK(torch::equal(back.at(key), tensor));

  for (const auto& [weight, text] : {std::pair{0.0, "0"}, {0.5, "0.5"}, {1.0, "1"}}) {
    CAPTURE(weight);
    const fs::path path = folder / (std::string("blend") + text + ".safetensors");
    CHECK(run_ganvas({"model", "blend", a, b, "--weight", text, "-o", path.string()}).code == 0);
    const StateDict mixed = read_safetensors(path).tensors;
    for (const auto& [key, tensor] : mixed)
      CHECK(torch::allclose(tensor, first.at(key) * (1 - weight) + second.at(key) * weight, 1e-6, 1e-7));
    CHECK_NOTHROW(load_generator(path));
  }
  const std::string other = save_model(folder / "other.safetensors", 1, {{"channels", 9}});
  check_error(run_ganvas({"model", "blend", a, other, "-o", (folder / "no.safetensors").string()}), 1,
              {"can't be blended"});
  CHECK_FALSE(fs::exists(folder / "no.safetensors"));

  // An input with the output that belongs to it, and one with a slip.
  const LoadedGenerator model = load_generator(a);
  const torch::NoGradGuard no_grad;
  const torch::Tensor input = torch::rand({1, 3, 9, 7});
  torch::Tensor output = model.network->forward(input).contiguous();
  StateDict pair;
  pair.set("input", input);
  pair.set("output", output);
  write_safetensors(folder / "good.safetensors", pair);
  output[0][1][3][3] += 0.01;
  write_safetensors(folder / "bad.safetensors", pair);
  CHECK(run_ganvas({"model", "check", a, (folder / "good.safetensors").string()}).code == 0);
  const Finished bad = run_ganvas({"model", "check", a, (folder / "bad.safetensors").string()});
  CHECK(bad.code == 1);
  CHECK(contains(bad.out, "over tolerance"));
  check_error(run_ganvas({"model", "info", (folder / "good.safetensors").string()}), 1, {"unknown network"});

  // Networks from noise, with what else belongs to them.
  torch::manual_seed(1);
  const auto maker = make_noise_generator("stylegan2", {{"noise", 4}, {"mapping_layers", 1}, {"widths", {4, 4}}});
  maker->eval();
  save_noise_generator(folder / "maker.safetensors", *maker, {});
  StateDict made;
  made.set("input", torch::randn({2, 4}));
  const torch::Tensor styles = maker->map(made.at("input"), {});
  made.set("w", styles.select(1, 0).contiguous());
  made.set("output", maker->synthesise(styles, LayerNoise::constant).contiguous());
  made.set("output_truncation_0.7",
           maker->synthesise(truncated(styles, maker->mean_style(), 0.7), LayerNoise::constant).contiguous());
  const std::string maker_path = (folder / "maker.safetensors").string(), io = (folder / "made.safetensors").string();
  write_safetensors(io, made);
  const Finished three = run_ganvas({"model", "check", maker_path, io});
  CHECK(three.code == 0);
  CHECK(std::count(three.out.begin(), three.out.end(), '\n') == 3);
  made.set("w", styles.select(1, 0) + 0.01);
  write_safetensors(io, made);
  const Finished one_off = run_ganvas({"model", "check", maker_path, io});
  CHECK(one_off.code == 1);
  CHECK(contains(one_off.out, "w: max_abs_error"));
  made.set("input", torch::randn({2, 5}));
  write_safetensors(io, made);
  check_error(run_ganvas({"model", "check", maker_path, io}), 1, {"made.safetensors", "'input'", "N x 4"});
}

TEST_CASE("eval and data check") {
  const TemporaryFolder folder;
  fs::create_directories(folder / "hr");
  for (const char* name : {"a.png", "b.png"}) write_image(folder / "hr" / name, gradient(40, 36, 3, Depth::u8));
  const std::string hr = (folder / "hr").string();
  const Finished equal = run_ganvas({"eval", hr, hr, "--scale", "2", "--json"});
  CHECK(equal.code == 0);
  REQUIRE(equal.lines().size() == 3);
  CHECK(equal.lines()[0].at("file") == "a.png");
  CHECK(equal.lines()[2].at("mean").at("psnr_y") == "inf");
  CHECK(equal.lines()[2].at("mean").at("ssim_y") == 1.0);
  const Finished bicubic = run_ganvas({"eval", hr, "--bicubic", "--scale", "2", "--json"});
  CHECK(bicubic.code == 0);
  REQUIRE(bicubic.lines().size() == 3);
  CHECK(bicubic.lines()[2].at("mean").at("psnr_y").get<double>() > 40);
  CHECK(bicubic.lines()[2].at("mean").at("psnr_y") == bicubic.lines()[0].at("psnr_y"));  // two equal pictures
  check_error(run_ganvas({"eval", hr, hr, "--bicubic"}), 2, {"eval"});

  std::ofstream(folder / "hr/broken.png") << "text";
  const Finished partly = run_ganvas({"eval", hr, "--bicubic", "--scale", "2", "--json"});
  CHECK(partly.code == 1);
  CHECK(partly.lines().size() == 3);
  CHECK(contains(partly.err, "broken.png"));
  const Finished check = run_ganvas({"data", "check", hr, "--crop", "10", "--scale", "4"});
  CHECK(check.code == 1);
  CHECK(contains(check.out, "broken.png"));
  CHECK(contains(check.out, "a.png"));  // 36 is smaller than 40
  fs::remove(folder / "hr/broken.png");
  CHECK(run_ganvas({"data", "check", hr, "--crop", "9", "--scale", "4"}).code == 0);
}

TEST_CASE("eval: each picture meets its own partner or none") {
  const TemporaryFolder folder;
  const auto put = [&](const std::string& name, int seed) {
    fs::create_directories((folder / name).parent_path());
    write_image(folder / name, noise(40, 36, 3, Depth::u8, seed));
  };
  const auto eval = [&](const char* hr, const char* sr) {
    return run_ganvas({"eval", (folder / hr).string(), (folder / sr).string(), "--json"});
  };
  put("hr/a_1.png", 1);
  put("hr/a_10.png", 2);
  put("sr/a_10.png", 2);
  const Finished missing = eval("hr", "sr");
  CHECK(missing.code == 1);
  CHECK(contains(missing.err, "a_1.png: no picture of this name"));
  REQUIRE(missing.lines().size() == 2);
  CHECK(missing.lines()[1].at("mean").at("psnr_y") == "inf");
  put("sr/a_1x4.png", 1);
  CHECK(eval("hr", "sr").code == 0);

  // Equal names in subfolders and equal stems in one folder.
  int seed = 0;
  for (const char* name : {"s1/a.png", "s2/a.png", "s2/a.bmp", "s2/b.png"})
    for (const char* tree : {"one/", "two/"}) put(std::string(tree) + name, ++seed);
  for (const char* name : {"s1/a.png", "s2/a.png", "s2/a.bmp", "s2/b.png"})
    fs::copy_file(folder / "one" / name, folder / "two" / name, fs::copy_options::overwrite_existing);
  const Finished same_trees = eval("one", "two");
  CHECK(same_trees.code == 0);
  REQUIRE(same_trees.lines().size() == 5);
  CHECK(same_trees.lines()[4].at("mean").at("psnr_y") == "inf");
  CHECK(same_trees.lines()[0].at("file") == "s1/a.png");
  fs::rename(folder / "two/s2/b.png", folder / "two/b.webp");  // flat, but the only one of its name
  CHECK(eval("one", "two").code == 0);

  // Results among the originals are no originals; a folder doesn't go with one file.
  put("hr/out/a_1.png", 1);
  put("hr/out/a_10.png", 2);
  const Finished inside = eval("hr", "hr/out");
  CHECK(inside.code == 0);
  CHECK(inside.lines().size() == 3);
  check_error(eval("hr", "sr/a_10.png"), 2, {"a_10.png", "folder"});
}

TEST_CASE("model, data, train: nothing replaces what it is made from") {
  const TemporaryFolder folder;
  const std::string model = save_model(folder / "m.pt");
  const Bytes before = read_file(folder / "m.pt");
  check_error(run_ganvas({"model", "export", model, model}), 2, {"input itself"});
  check_error(run_ganvas({"model", "convert", model, model, "--half"}), 2, {"input itself"});
  CHECK(read_file(folder / "m.pt") == before);
  // Nor what is there already, unless told to.
  write_file_atomically(folder / "there.pth", std::string("mine"));
  const std::string there = (folder / "there.pth").string();
  check_error(run_ganvas({"model", "convert", model, there}), 2, {"there.pth", "--force"});
  check_error(run_ganvas({"model", "blend", model, model, "-o", there}), 2, {"there.pth", "--force"});
  CHECK(read_file(folder / "there.pth") == Bytes{'m', 'i', 'n', 'e'});
  CHECK(run_ganvas({"model", "convert", model, there, "--force"}).code == 0);
  CHECK(run_ganvas({"model", "info", there}).code == 0);

  fs::create_directories(folder / "in/sub");
  write_image(folder / "in/x.png", noise(9, 7, 3, Depth::u8, 1));
  write_image(folder / "in/sub/x.png", noise(9, 7, 3, Depth::u8, 2));
  const Bytes original = read_file(folder / "in/x.png");
  const Finished gray = run_ganvas({"data", "gray", (folder / "in/sub").string(), (folder / "in/x.png").string(), "-o",
                                    (folder / "in").string(), "--force"});
  CHECK(gray.code == 1);
  CHECK(contains(gray.err, "original too"));
  CHECK(read_file(folder / "in/x.png") == original);

  check_error(run_ganvas({"train", "photo-x4", "--data", (folder / "in").string(), "-o", ""}), 2, {"-o"});
  // Names and texts of any bytes.
  const std::string odd = save_model(folder / "\xff\xfe.safetensors", 1);
  const Finished info = run_ganvas({"model", "info", odd, "--json"});
  CHECK(info.code == 0);
  CHECK(info.lines().size() == 1);
}

TEST_CASE("upscale: killed or interrupted in the middle, no file under its final name is half done") {
  const TemporaryFolder folder;
  const std::string model = save_model(folder / "m.safetensors", 1, {{"channels", 24}, {"convs", 4}});
  fs::create_directories(folder / "in");
  for (int i = 0; i < 40; ++i)
    write_image(folder / "in" / fmt::format("{:02}.png", i), noise(150, 120, 3, Depth::u8, i));
  const fs::path out = folder / "out";
  const std::vector<std::string> arguments{"upscale", (folder / "in").string(), "-o", out.string(), "-m",
                                           model,     "--skip-existing"};
  const auto check_outputs = [&] {
    for (const auto& name : names_in(out))
      if (name[0] != '.') CHECK(read_image(out / name).image.width() == 300);
  };
  {
    Program killed(arguments);
    killed.signal_when([&] { return finished_files(out) >= 2; }, SIGKILL);
    CHECK(killed.finish().code == -SIGKILL);
  }
  const std::size_t first = finished_files(out);
  CHECK(first >= 2);
  CHECK(first < 40);
  check_outputs();
  {
    Program stopped(arguments);
    stopped.signal_when([&] { return finished_files(out) >= first + 2; }, SIGINT);
    const Finished result = stopped.finish();
    CHECK(result.code == 130);
    CHECK(contains(result.err, "interrupted"));
  }
  CHECK(finished_files(out) < 40);
  check_outputs();
  const Finished rest = run_ganvas(arguments);
  CHECK(rest.code == 0);
  CHECK(contains(rest.err, "skipped"));
  CHECK(finished_files(out) == 40);
  check_outputs();
}
