#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "commands/options/data.hpp"
#include "ganvas/imaging/image.hpp"
#include "ganvas/imaging/picture_files.hpp"

/// Folders of pictures in, a folder of the same tree out: what the `data` commands that write pictures have in common.
namespace ganvas::cli {

struct TreePicture : PictureFile {
  std::filesystem::path name{};  ///< below the output folder, without the picture's extension
  std::shared_ptr<const std::set<std::filesystem::path>> originals{};  ///< of all, never to be replaced; make_tree()
};

/// With the names that they get.
std::vector<TreePicture> named(std::vector<PictureFile> pictures);

/// The pictures of the places, see list_pictures(); those below the output folder are results of an earlier run and
/// left out. Throws Error(data) for a place that isn't there and where there are no pictures at all, Error(usage) where
/// the output folder is one of the places: originals would mix with results.
std::vector<TreePicture> list_tree(const std::vector<std::string>& places, const std::filesystem::path& out);
/// The latter alone.
void require_other_folder(const std::filesystem::path& place, const std::filesystem::path& out);

/// Where a picture goes, with the extension of `format` ("png", "jpg" ...). Throws Error(file) where something is there
/// already, unless it may be replaced; the picture itself never may.
std::filesystem::path output_of(const TreeRequest& request, const TreePicture& file, const std::string& format);
void require_free(const TreeRequest& request, const TreePicture& file, const std::filesystem::path& path);

/// Writes, with the folders above; a warning where the format holds less depth than the picture has.
void write_picture(const std::filesystem::path& path, const Image& image);

/// Makes one picture; gives the path that it wrote. `index` counts from 0.
using MakePicture = std::function<std::filesystem::path(const TreePicture& file, std::size_t index)>;

/// Calls `make` for all files (at most request.limit) and prints the paths. What fails is one line on stderr, the rest
/// is done. `doing` and `done` ("degrading", "degraded") stand in messages. Gives the exit code.
int make_tree(std::vector<TreePicture> files, const TreeRequest& request, const std::string& doing,
              const std::string& done, const MakePicture& make);

}  // namespace ganvas::cli
