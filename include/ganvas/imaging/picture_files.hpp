#pragma once

#include <filesystem>
#include <string>
#include <vector>

/// What the pictures of a file or folder are: one definition for everything that takes some.
namespace ganvas {

/// A picture that was asked for, or found in a folder that was.
struct PictureFile {
  std::filesystem::path path;
  std::filesystem::path below;      ///< its way from the place that was asked for; of a file given by itself, its name
  std::filesystem::path partner{};  ///< another picture that belongs to it, see picture_partners.hpp
  std::string problem{};            ///< why nothing can be made of it, to stand behind its name; empty: nothing known
  bool foreign = false;             ///< the problem: a picture, but of a format that isn't read
};

struct PictureSearch {
  bool recursive = true;
  std::vector<std::string> include{};  ///< glob patterns on `below` or on the name, any of them; empty: all
  std::vector<std::string> exclude{};
  /// Folders that hold results, or other pictures that are none of these: passed over where they lie below the place.
  std::vector<std::filesystem::path> others{};
};

/// The pictures of a place, sorted by path, those with a problem last. In a folder these are the files whose extension
/// names a picture format, or which begin like one (only files of other names are looked into, and of those 32 bytes
/// are read). Hidden names are passed over, links to folders aren't followed, and folders below that hold training runs
/// (recipe.toml and log.jsonl) are left out: what they hold are results. Pictures of formats that aren't read, links
/// that lead nowhere and folders that can't be listed come with a problem. A file given by itself is always a picture.
/// Throws Error(data) for a place that isn't there.
std::vector<PictureFile> list_pictures(const std::filesystem::path& place, const PictureSearch& search = {});
/// Of several places, one after another.
std::vector<PictureFile> list_pictures(const std::vector<std::filesystem::path>& places,
                                       const PictureSearch& search = {});

/// The same, and Error(data) where there are none.
std::vector<PictureFile> require_pictures(const std::vector<std::filesystem::path>& places,
                                          const PictureSearch& search = {});
[[noreturn]] void fail_without_pictures(const std::vector<std::filesystem::path>& places);

/// Those without a problem. Foreign ones are passed over with one warning; any other problem is an Error(data) that
/// names the file.
std::vector<PictureFile> readable_pictures(std::vector<PictureFile> pictures);

/// "a" and "jpg" for a.jpg; "a.b" and nothing for "a.b 2" or "2013-11-08 16.45": an extension is a dot, a letter and up
/// to nine letters, digits or '_'.
struct PictureName {
  std::string stem, extension;
};
PictureName split_name(const std::filesystem::path& file);
/// The path without its file's extension.
std::filesystem::path without_extension(const std::filesystem::path& path);

}  // namespace ganvas
