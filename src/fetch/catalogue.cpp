#include "ganvas/fetch/catalogue.hpp"

#include <cstdlib>

#include "ganvas/core/error.hpp"
#include "ganvas/core/files.hpp"
#include "ganvas/core/recipe.hpp"

namespace fs = std::filesystem;

namespace ganvas {

namespace {

/// Published names may end in eight digits of the hash: vgg19-dcbb9e9d is vgg19.
std::string without_hash(const std::string& stem) {
  const std::size_t dash = stem.rfind('-');
  const bool hash = dash != std::string::npos && stem.size() == dash + 9 &&
                    stem.find_first_not_of("0123456789abcdef", dash + 1) == std::string::npos;
  return hash ? stem.substr(0, dash) : stem;
}

const std::string torchvision = "https://download.pytorch.org/models/";
// One commit, so that the files can't change below us; the heads themselves are of 2020.
const std::string lpips =
    "https://raw.githubusercontent.com/richzhang/PerceptualSimilarity/082bb24f84c091ea94de2867d34c4544f68e0963/lpips/"
    "weights/v0.1/";
const std::string pytorch_fid = "https://github.com/mseitzer/pytorch-fid/releases/download/fid_weights/";
const std::string real_esrgan = "https://github.com/xinntao/Real-ESRGAN/releases/download/";

OfficialFile entry(const std::string& stem, const std::string& url, std::uint64_t bytes, const char* sha256,
                   const std::string& what) {
  return {without_hash(stem), stem + ".pth", url, bytes, sha256, what};
}

OfficialFile from_torchvision(const std::string& stem, std::uint64_t bytes, const char* sha256,
                              const std::string& what) {
  return entry(stem, torchvision + stem + ".pth", bytes, sha256, what + "; torchvision, BSD-3-Clause");
}

OfficialFile lpips_head(const std::string& network, std::uint64_t bytes, const char* sha256) {
  return entry("lpips-" + network, lpips + network + ".pth", bytes, sha256,
               "LPIPS v0.1 head for " + network + "; R. Zhang et al., BSD-2-Clause");
}

OfficialFile from_real_esrgan(const std::string& tag, const std::string& stem, std::uint64_t bytes, const char* sha256,
                              const std::string& what) {
  return entry(stem, real_esrgan + tag + "/" + stem + ".pth", bytes, sha256, what + "; X. Wang et al., BSD-3-Clause");
}

// The first eight digits of torchvision's, pytorch-fid's and ESRGAN's hashes are part of the published names. The
// heads' hashes are of the files at that commit. GitHub gave no hashes for releases of that time: Real-ESRGAN's are
// those that many independent users pin, and one file where they don't agree has none here.
std::vector<OfficialFile> make_catalogue() {
  return {
      from_torchvision("vgg16-397923af", 553433881, "397923af8e79cdbb6a7127f12361acd7a2f83e06b05044ddf496e83de57a5bf0",
                       "VGG-16, ImageNet"),
      from_torchvision("vgg19-dcbb9e9d", 574673361, "dcbb9e9dad569fff7a846263a77324fc34978fea2bfb039c012d710e1776ae44",
                       "VGG-19, ImageNet"),
      from_torchvision("squeezenet1_1-b8a52dc0", 4958839,
                       "b8a52dc049b60e4b6ab68ad0df457362afab8b6304b2febdc1650a5dab4d7e7b", "SqueezeNet 1.1, ImageNet"),
      from_torchvision("alexnet-owt-7be5be79", 244408911,
                       "7be5be791159472b1fbf3c69796f7cb30dca7ad8466c2df70058c37116cdee02", "AlexNet, ImageNet"),
      entry("pt_inception-2015-12-05-6726825d", pytorch_fid + "pt_inception-2015-12-05-6726825d.pth", 95628359,
            "6726825d0af5f729cebd5821db510b11b1cfad8faad88a03f1befd49fb9129b2",
            "Inception-v3 of the published FID and KID; M. Seitzer, after TensorFlow's, Apache-2.0"),
      lpips_head("alex", 6009, "df73285e35b22355a2df87cdb6b70b343713b667eddbda73e1977e0c860835c0"),
      lpips_head("squeeze", 10811, "4a5350f23600cb79923ce65bb07cbf57dca461329894153e05a1346bd531cf76"),
      lpips_head("vgg", 7289, "a78928a0af1e5f0fcb1f3b9e8f8c3a2a5a3de244d830ad5c1feddc79b8432868"),
      from_real_esrgan("v0.1.0", "RealESRGAN_x4plus", 67040989,
                       "4fa0d38905f75ac06eb49a7951b426670021be3018265fd191d2125df9d682f1",
                       "RRDB x4 for photographs of any quality"),
      from_real_esrgan("v0.2.1", "RealESRGAN_x2plus", 67061725,
                       "49fafd45f8fd7aa8d31ab2a22d14d91b536c34494a5cfe31eb5d89c2fa266abb",
                       "RRDB x2 for photographs of any quality"),
      from_real_esrgan("v0.2.2.4", "RealESRGAN_x4plus_anime_6B", 17938799,
                       "f872d837d3c90ed2e05227bed711af5671a6fd1c9f7d7e91c911a61f155e99da",
                       "RRDB x4 of six blocks for drawings"),
      from_real_esrgan("v0.1.1", "RealESRNet_x4plus", 0, "", "RRDB x4 before its adversarial training"),
      from_real_esrgan("v0.2.5.0", "realesr-general-x4v3", 4885111,
                       "8dc7edb9ac80ccdc30c3a5dca6616509367f05fbc184ad95b731f05bece96292",
                       "compact x4 for photographs of any quality"),
      from_real_esrgan("v0.2.5.0", "realesr-general-wdn-x4v3", 4885111,
                       "1641f8c4464b9f097c9fdda5589273713f67cf59f3d909e0bd688f0cee269dca",
                       "realesr-general-x4v3's twin that leaves more noise, to blend with"),
      from_real_esrgan("v0.2.5.0", "realesr-animevideov3", 2504012,
                       "b8a8376811077954d82ca3fcf476f1ac3da3e8a68a4f4d71363008000a18b75d",
                       "compact x4 for drawn films"),
      from_real_esrgan("v0.1.1", "ESRGAN_SRx4_DF2KOST_official-ff704c30", 0, "ff704c30",
                       "ESRGAN, RRDB x4 for clean photographs"),
  };
}

}  // namespace

const std::vector<OfficialFile>& official_files() {
  static const std::vector<OfficialFile> files = make_catalogue();
  return files;
}

const OfficialFile& official_file(const std::string& name) {
  std::vector<std::string> names;
  for (const auto& file : official_files()) {
    if (name == file.name || name == file.file || name == fs::path(file.file).stem()) return file;
    names.push_back(file.name);
  }
  const std::string nearest = nearest_name(name, names);
  fail(ErrorKind::usage, "{}: no such official file{}; there are: {}", name,
       nearest.empty() ? "" : fmt::format(" (did you mean {}?)", nearest), fmt::join(names, ", "));
}

fs::path fetched_path(const OfficialFile& file) { return cache_folder() / "models" / file.file; }

std::string download_url(const OfficialFile& file) {
  const char* given = std::getenv("GANVAS_MODEL_URL");
  if (!given || !*given) return file.url;
  std::string base = given;
  while (base.ends_with('/')) base.pop_back();
  return base + "/" + file.file;
}

}  // namespace ganvas
