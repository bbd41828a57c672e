#include "commands/picture_tree.hpp"

#include <algorithm>
#include <cstdio>
#include <set>

#include "ganvas/core/error.hpp"
#include "ganvas/core/failure_words.hpp"
#include "ganvas/core/interrupt.hpp"
#include "ganvas/core/log.hpp"
#include "ganvas/core/progress.hpp"
#include "ganvas/imaging/codec.hpp"

namespace fs = std::filesystem;

namespace ganvas::cli {

namespace {

bool are_same(const fs::path& a, const fs::path& b) {
  std::error_code unknown;
  return fs::equivalent(a, b, unknown);
}

std::shared_ptr<const std::set<fs::path>> originals_of(const std::vector<TreePicture>& files) {
  std::error_code unknown;
  auto paths = std::make_shared<std::set<fs::path>>();
  for (const auto& file : files)
    for (const auto& path : {file.path, file.partner})
      if (!path.empty()) paths->insert(fs::weakly_canonical(path, unknown));
  return paths;
}

void report(const TreePicture& file, const std::string& what) {
  const auto names = [&](const fs::path& path) { return !path.empty() && what.starts_with(path.string()); };
  const bool named = names(file.path) || names(file.partner);
  log(LogLevel::error, "{}", named ? what : file.path.string() + ": " + what);
}

}  // namespace

std::vector<TreePicture> named(std::vector<PictureFile> pictures) {
  std::vector<TreePicture> files;
  for (auto& picture : pictures) {
    fs::path name = without_extension(picture.below);
    files.push_back({std::move(picture), std::move(name)});
  }
  return files;
}

void require_other_folder(const fs::path& place, const fs::path& out) {
  if (fs::is_directory(place) && are_same(place, out))
    fail(ErrorKind::usage, "-o {}: is the folder of the originals; name another", out.string());
}

std::vector<TreePicture> list_tree(const std::vector<std::string>& places, const fs::path& out) {
  for (const auto& place : places) require_other_folder(place, out);
  return named(require_pictures({places.begin(), places.end()}, {.others = {out}}));
}

fs::path output_of(const TreeRequest& request, const TreePicture& file, const std::string& format) {
  const Format known = format_from_name(format).value();
  // Whether a PNM is gray shows only later.
  const std::string extension = known == Format::pnm ? "pnm" : extension_of(known);
  fs::path path = fs::path(request.out) / file.name;
  path += "." + extension;
  require_free(request, file, path);
  return path;
}

void require_free(const TreeRequest& request, const TreePicture& file, const fs::path& path) {
  if (are_same(path, file.path) || are_same(path, file.partner))
    fail(ErrorKind::file, "{} is the original itself; name another folder", path.string());
  std::error_code unknown;
  if (file.originals && file.originals->contains(fs::weakly_canonical(path, unknown)))
    fail(ErrorKind::file, "{} would be replaced, but is an original too; name another folder", path.string());
  if (!request.force && fs::exists(path))
    fail(ErrorKind::file, "{} exists already; --force replaces it", path.string());
}

void write_picture(const fs::path& path, const Image& image) {
  if (path.has_parent_path()) fs::create_directories(path.parent_path());
  const Format format = format_from_name(path.extension().string()).value();
  if (!can_hold(format, image.depth(), image.channels()))
    log(LogLevel::warning, "{}: at a smaller depth than its original, which {} can't hold", path.string(),
        extension_of(format));
  write_image(path, image);
}

int make_tree(std::vector<TreePicture> files, const TreeRequest& request, const std::string& doing,
              const std::string& done, const MakePicture& make) {
  const auto originals = originals_of(files);
  files.resize(std::min(files.size(), request.limit));
  for (auto& file : files) file.originals = originals;
  std::set<fs::path> taken;
  std::size_t failed = 0;
  Progress progress(doing, static_cast<double>(files.size()));
  for (std::size_t i = 0; i < files.size(); ++i) {
    throw_if_interrupted();
    try {
      if (!files[i].problem.empty()) throw Error(ErrorKind::file, files[i].problem);
      if (!taken.insert(files[i].name).second)
        fail(ErrorKind::file, "another picture is called {} too", files[i].name.string());
      const fs::path path = make(files[i], i);
      progress.clear();
      fmt::print("{}\n", path.string());
    } catch (const std::exception& error) {
      const auto* ours = dynamic_cast<const Error*>(&error);
      if (ours && ours->kind() == ErrorKind::interrupted) throw;
      report(files[i], failure_words(error));
      ++failed;
    }
    std::fflush(stdout);
    progress.update(static_cast<double>(i + 1));
  }
  progress.finish();
  log(LogLevel::info, "{} pictures {}, {} failed", files.size() - failed, done, failed);
  return failed == 0 ? 0 : 1;
}

}  // namespace ganvas::cli
