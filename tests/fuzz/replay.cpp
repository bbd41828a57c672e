// The main program of a target where no libFuzzer is: feeds it the files that the arguments name, folders in depth,
// and, with -mutations=N, N damaged copies of each, the same ones in every run. Options of libFuzzer's are passed over.
#include <algorithm>
#include <filesystem>
#include <random>
#include <string>
#include <vector>

#include "fuzz/fuzz.hpp"
#include "ganvas/core/files.hpp"
#include "ganvas/core/log.hpp"
#include "support/mutation.hpp"

namespace fs = std::filesystem;

extern "C" int LLVMFuzzerInitialize(int* argc, char*** argv) __attribute__((weak));

namespace {

std::vector<fs::path> files_below(const fs::path& path) {
  if (!fs::is_directory(path)) return {path};
  std::vector<fs::path> files;
  for (const auto& entry : fs::recursive_directory_iterator(path))
    if (entry.is_regular_file()) files.push_back(entry.path());
  std::ranges::sort(files);
  return files;
}

}  // namespace

int main(int argc, char** argv) {
  if (LLVMFuzzerInitialize) LLVMFuzzerInitialize(&argc, &argv);
  constexpr std::string_view option = "-mutations=";
  int mutations = 0, fed = 0;
  for (int i = 1; i < argc; ++i) {
    const std::string_view argument = argv[i];
    if (argument.starts_with(option)) mutations = std::atoi(argv[i] + option.size());
    if (argument.starts_with('-')) continue;
    for (const fs::path& file : files_below(argv[i])) {
      const ganvas::Bytes whole = ganvas::read_file(file);
      std::mt19937 random(20);
      for (int copy = 0; copy <= mutations; ++copy, ++fed) {
        ganvas::Bytes bytes = copy == 0 ? whole : ganvas::test::mutated(whole, random);
        bytes.shrink_to_fit();  // reads behind the end are seen
        std::fprintf(stderr, "%s, copy %d%s", file.c_str(), copy, "\r");
        LLVMFuzzerTestOneInput(bytes.data(), bytes.size());
      }
    }
  }
  std::printf("\n%d inputs\n", fed);
  return fed == 0;
}
