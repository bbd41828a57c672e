#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "ganvas/imaging/picture_files.hpp"

/// Which pictures of two places belong together: one rule for results, low-resolution pictures and translated ones.
namespace ganvas {

struct PartnerSearch {
  /// Where the originals lie: below the place of the partners they are none.
  std::vector<std::filesystem::path> originals{};
  int scale = 0;  ///< of "x<scale>" behind a name; 0: any number
};

/// The originals, each with its partner among the pictures of `place`, or with a problem. The partner is, in the
/// mirrored subfolder, the one of the same stem (of several the one of the same name); or else the only one whose stem
/// goes on with "x4" (0001x4.png) or with what is neither letter nor digit (cat_out.png, but never a_10 for a_1), and
/// no longer name of an original; or else the only one of this stem, with or without "x4", in any other folder, if no
/// other original lays claim to it. Two files, each given by itself, are partners whatever they are called. Throws
/// Error(usage) where `place` is one file and the originals are those of a folder, Error(data) for a place that isn't
/// there.
std::vector<PictureFile> find_partners(std::vector<PictureFile> originals, const std::filesystem::path& place,
                                       const PartnerSearch& search = {});

/// The pictures of `a` with their partners in `b` by the same rule, but one to one: then follow, as problems, those of
/// `b` that are left over. `results`: folders of results, whose pictures are neither. Two of one stem in one folder are
/// a problem unless the other side has both names too.
std::vector<PictureFile> pair_pictures(const std::filesystem::path& a, const std::filesystem::path& b,
                                       const std::vector<std::filesystem::path>& results = {});

}  // namespace ganvas
