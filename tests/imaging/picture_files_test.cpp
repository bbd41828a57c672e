// Which files are pictures, and which of them belong together: the one definition that all commands share.
#include "ganvas/imaging/picture_files.hpp"

#include <chrono>
#include <filesystem>
#include <fstream>
#include <set>

#include "ganvas/imaging/picture_partners.hpp"
#include "pictures.hpp"
#include "support/refusal.hpp"

using namespace ganvas;
using namespace ganvas::test;
namespace fs = std::filesystem;

namespace {

using Names = std::vector<std::string>;

/// An empty tree, filled by the names of its files; pictures are one gray pixel.
struct Tree {
  TemporaryFolder folder;
  const Bytes pixel = encode_image(Image(cv::Mat(1, 1, CV_8UC1, cv::Scalar(7))), Format::png, {});

  void put(const Names& names) {
    for (const auto& name : names) write(name, pixel);
  }
  void write(const fs::path& name, const Bytes& bytes) {
    fs::create_directories((folder / name).parent_path());
    write_file_atomically(folder / name, bytes);
  }
  Names listed(const std::string& place = ".", PictureSearch search = {}) const {
    for (auto& other : search.others) other = folder / other;
    Names names;
    for (const auto& picture : list_pictures(folder / place, search))
      names.push_back(picture.below.string() + (picture.problem.empty() ? "" : "!"));
    return names;
  }
  /// "a.png: b/a.png" or "a.png! why"
  std::string partner(const std::string& originals, const std::string& place, const std::string& below,
                      int scale = 0) const {
    for (const auto& file : find_partners(list_pictures(folder / originals), folder / place,
                                          {.originals = {folder / originals}, .scale = scale}))
      if (file.below == below)
        return file.problem.empty() ? file.partner.lexically_relative(folder / place).string() : "! " + file.problem;
    return "is no original";
  }
};

}  // namespace

TEST_CASE("pictures of a folder: by extension or by content, in depth, hidden ones and links to folders left out") {
  Tree tree;
  tree.put({"b.png", "a.dat", "nameless", "2013-11-08 16.45", "sub/deep/c.JPG", ".hidden.png", ".git/x.png"});
  tree.write("notes.txt", bytes_of("text"));
  tree.write("empty", {});
  tree.write("broken.png", bytes_of("text"));  // promises to be one: whoever reads it says what it is
  tree.write("odd.tga", tree.pixel);           // a PNG in truth
  fs::create_directory_symlink("sub", tree.folder / "link");
  fs::create_symlink("b.png", tree.folder / "alias.png");
  CHECK(tree.listed() == Names{"2013-11-08 16.45", "a.dat", "alias.png", "b.png", "broken.png", "nameless", "odd.tga",
                               "sub/deep/c.JPG"});
  CHECK(tree.listed(".", {.recursive = false}).size() == 7);
  CHECK(tree.listed("notes.txt") == Names{"notes.txt"});  // asked for by name
  CHECK(list_pictures({tree.folder / "sub", tree.folder / "b.png"}).size() == 2);
  CHECK(says(refusal(ErrorKind::data, [&] { tree.listed("absent"); }), {"absent: no such file or folder"}));
  CHECK(says(refusal(ErrorKind::data, [&] { require_pictures({tree.folder / "sub"}, {.recursive = false}); }),
             {"sub: no pictures found"}));
}

TEST_CASE("pictures of a folder: what can't be read comes last, with a problem") {
  Tree tree;
  tree.put({"z.png"});
  tree.write("a.psd", bytes_of("8BPS"));
  tree.write("b.PCX", bytes_of("\n\5\1"));
  tree.write("envi.hdr", bytes_of("ENVI\nsamples = 3\n"));  // beside a raw raster: no picture
  tree.write("radiance.hdr", bytes_of("#?RADIANCE\n"));
  tree.write("film.mp4", bytes_of("\0\0\0\x18"
                                  "ftypmp42"));
  fs::create_symlink("nowhere", tree.folder / "c.png");
  fs::create_symlink("nowhere", tree.folder / "notes");
  CHECK(tree.listed() == Names{"z.png", "a.psd!", "b.PCX!", "c.png!", "radiance.hdr!"});
  const auto pictures = list_pictures(tree.folder.path());
  CHECK(pictures[1].foreign);
  CHECK(says(pictures[1].problem, {"is a Photoshop file, which is not supported"}));
  CHECK(says(pictures[3].problem, {"isn't there"}));
  CHECK(says(refusal(ErrorKind::data, [&] { readable_pictures(pictures); }), {"c.png", "isn't there"}));
  fs::remove(tree.folder / "c.png");
  CHECK(readable_pictures(list_pictures(tree.folder.path())).size() == 1);
}

TEST_CASE("pictures of a folder: patterns, others' folders, runs") {
  Tree tree;
  tree.put({"a.png", "b.jpg", "trip/a.png", "out/a.png", "out/deep/b.png", "runs/one/samples/x.png", "runs/two/y.png"});
  fs::create_symlink("out/a.png", tree.folder / "latest.png");
  CHECK(tree.listed(".", {.include = {"*.jpg", "trip/**"}}) == Names{"b.jpg", "trip/a.png"});
  CHECK(tree.listed(".", {.exclude = {"out/**", "runs/**", "*.jpg"}}) == Names{"a.png", "latest.png", "trip/a.png"});
  CHECK(tree.listed(".", {.exclude = {"runs/**"}, .others = {"out"}}) == Names{"a.png", "b.jpg", "trip/a.png"});
  // A folder below the others' folder, or the same, is what was asked for.
  CHECK(tree.listed("out/deep", {.others = {"out"}}) == Names{"b.png"});
  CHECK(tree.listed("out", {.others = {"out/../out"}}) == Names{"a.png", "deep/b.png"});
  tree.write("runs/one/recipe.toml", bytes_of("x"));
  CHECK(tree.listed("runs").size() == 2);
  tree.write("runs/one/log.jsonl", {});
  CHECK(tree.listed("runs") == Names{"two/y.png"});
  CHECK(tree.listed("runs/one") == Names{"samples/x.png"});  // asked for by name
}

TEST_CASE("names of pictures: what is an extension") {
  for (const auto& [name, stem, extension] :
       std::vector<std::array<std::string, 3>>{{"a.jpg", "a", "jpg"},
                                               {"d.x/a.b.TIFF", "a.b", "TIFF"},
                                               {"a.dat", "a", "dat"},
                                               {"2013-11-08 16.45", "2013-11-08 16.45", ""},
                                               {"Mr. Smith", "Mr. Smith", ""},
                                               {"photo.jpg_large", "photo", "jpg_large"},
                                               {"a.", "a.", ""},
                                               {"nameless", "nameless", ""}}) {
    CAPTURE(name);
    CHECK(split_name(name).stem == stem);
    CHECK(split_name(name).extension == extension);
  }
  CHECK(without_extension("sub/a.b.png") == fs::path("sub/a.b"));
}

TEST_CASE("partners: by stem in the mirrored folder, with x4 or what goes on, and never another's") {
  Tree tree;
  tree.put({"hr/0001.png", "hr/a_1.png", "hr/a_10.png", "hr/cat.png", "hr/s1/p.png", "hr/s2/p.png", "hr/写.png",
            "hr/2013-11-08 16.45", "hr/lonely.png", "hr/twice.png"});
  tree.put({"sr/0001x4.jpg", "sr/a_10.png", "sr/cat_x2-photo.webp", "sr/cats.png", "sr/s2/p.tif", "sr/写真.png",
            "sr/2013-11-08 16.45.png", "sr/twice.png", "sr/twice.bmp"});
  const auto partner = [&](const std::string& below, int scale = 0) { return tree.partner("hr", "sr", below, scale); };
  CHECK(partner("0001.png") == "0001x4.jpg");
  CHECK(partner("0001.png", 4) == "0001x4.jpg");
  CHECK(says(partner("0001.png", 2), {"! no picture of this name in", "sr"}));
  CHECK(says(partner("a_1.png"), {"! no picture of this name"}));
  CHECK(partner("a_10.png") == "a_10.png");
  CHECK(partner("cat.png") == "cat_x2-photo.webp");
  CHECK(says(partner("s1/p.png"), {"! no picture of this name"}));  // s2's own is taken
  CHECK(partner("s2/p.png") == "s2/p.tif");
  CHECK(says(partner("写.png"), {"! no picture of this name"}));
  CHECK(partner("2013-11-08 16.45") == "2013-11-08 16.45.png");
  CHECK(partner("twice.png") == "twice.png");  // the same name in full
  fs::remove(tree.folder / "sr/twice.png");
  tree.put({"sr/twice.webp"});
  CHECK(says(partner("twice.png"), {"! ", "twice.bmp", "twice.webp", "may both belong to it"}));
}

TEST_CASE("partners: what goes on belongs to the longest name, other folders serve where there is no doubt") {
  Tree tree;
  tree.put({"hr/a.png", "hr/a_1.png", "lr/a_1_out.png"});
  CHECK(tree.partner("hr", "lr", "a_1.png") == "a_1_out.png");
  CHECK(says(tree.partner("hr", "lr", "a.png"), {"! no picture"}));
  tree.put({"flat/X4/0001x4.png", "flat/X2/0001x2.png", "flat/q.png", "deep/0001.png", "deep/s/q.png"});
  CHECK(tree.partner("deep", "flat", "0001.png", 4) == "X4/0001x4.png");
  CHECK(tree.partner("deep", "flat", "0001.png", 2) == "X2/0001x2.png");
  CHECK(says(tree.partner("deep", "flat", "0001.png"), {"may both belong to it"}));
  CHECK(tree.partner("deep", "flat", "s/q.png") == "q.png");
  tree.put({"deep/t/q.png"});
  CHECK(says(tree.partner("deep", "flat", "s/q.png"), {"q.png may belong to it, or to"}));

  // Originals that lie among the others are no partners; two files are partners whatever they are called.
  tree.put({"all/hr/a.png"});
  CHECK(says(tree.partner("all/hr", "all", "a.png"), {"! no picture"}));
  CHECK(tree.partner("hr/a.png", "flat/q.png", "a.png") == ".");
  CHECK(says(refusal(ErrorKind::usage, [&] { tree.partner("hr", "flat/q.png", "a.png"); }), {"q.png", "folder"}));
  fs::create_symlink("nowhere", tree.folder / "lr/a.png");
  CHECK(says(tree.partner("hr", "lr", "a.png"), {"its partner", "a.png", "isn't there"}));
}

TEST_CASE("pairs: one to one, what is left over on either side is a problem") {
  Tree tree;
  tree.put({"a/x.png", "a/s/x.png", "a/alone.png", "a/twice.png", "a/both.png", "a/both.bmp"});
  tree.put({"b/x.jpg", "b/s/x.bmp", "b/lonely.png", "b/twice.png", "b/twice.bmp", "b/both.png", "b/both.bmp"});
  std::set<std::string> fine, problems;
  for (const auto& pair : pair_pictures(tree.folder / "a", tree.folder / "b")) {
    if (pair.problem.empty()) fine.insert(pair.below.string() + " " + pair.partner.filename().string());
    else problems.insert(pair.path.lexically_relative(tree.folder.path()).string());
  }
  CHECK(fine == std::set<std::string>{"x.png x.jpg", "s/x.png x.bmp", "both.png both.png", "both.bmp both.bmp"});
  CHECK(problems == std::set<std::string>{"a/alone.png", "a/twice.png", "b/lonely.png"});
}
