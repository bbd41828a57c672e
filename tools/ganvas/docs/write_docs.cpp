// Runs during the build: writes man pages and a completion script, from the command line as the program declares it.
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "cli/command_line.hpp"
#include "cli/option_facts.hpp"
#include "docs/bash_completion.hpp"
#include "docs/man_page.hpp"

namespace fs = std::filesystem;
using namespace ganvas::cli;

namespace {

void write(const fs::path& path, const std::string& text) {
  std::ofstream file(path, std::ios::binary);
  if (!(file << text).flush()) throw std::runtime_error(path.string() + ": can't write");
}

void write_pages(const CLI::App& command, const fs::path& folder) {
  write(folder / (full_name(command, "-") + ".1"), man_page(command, GANVAS_VERSION));
  for (const CLI::App* subcommand : subcommands_of(command)) write_pages(*subcommand, folder);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fputs("usage: write_docs FOLDER\n", stderr);
    return 2;
  }
  try {
    const fs::path folder = argv[1];
    fs::remove_all(folder / "man");  // no page of a command that is gone
    fs::create_directories(folder / "man");
    // Pages are the same wherever they are made: without the builder's own folder of settings.
    for (const char* name : {"HOME", "XDG_CONFIG_HOME"}) ::unsetenv(name);
    const CommandLine line;
    write_pages(line.app, folder / "man");
    write(folder / "ganvas.bash", bash_completion(line.app));
  } catch (const std::exception& error) {
    std::fprintf(stderr, "write_docs: %s\n", error.what());
    return 1;
  }
  return 0;
}
