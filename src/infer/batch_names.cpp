#include "infer/batch_names.hpp"

#include "ganvas/core/error.hpp"
#include "ganvas/imaging/codec.hpp"
#include "ganvas/imaging/picture_files.hpp"

namespace fs = std::filesystem;

namespace ganvas {

namespace {

/// The input's format, or what takes its place, by its first bytes; by its name where it can't be read.
Format input_format_of(const fs::path& input) {
  if (const auto format = sniff_file(input)) return written_for(*format);
  return format_from_name(input.extension().string()).value_or(Format::png);
}

/// The input's own spelling of the extension ("jpeg", "JPG") where it names the output's format, else the usual one.
std::string extension_for(const fs::path& input, Format format) {
  const std::string own = split_name(input).extension;
  if (format_from_name(own) == format) return own;
  return extension_of(format);
}

}  // namespace

fs::path output_name(const BatchOptions& options, const fs::path& input, const fs::path& below, std::size_t number) {
  const Format format = options.format.value_or(input == "-" ? Format::png : input_format_of(input));
  const std::string extension = extension_for(input, format);
  std::string pattern = options.name, name;
  if (pattern.ends_with(".{ext}")) pattern.resize(pattern.size() - 6);
  for (std::size_t i = 0; i < pattern.size();) {
    const auto close = pattern[i] == '{' ? pattern.find('}', i) : std::string::npos;
    if (close == std::string::npos) {
      name += pattern[i++];
      continue;
    }
    const std::string field = pattern.substr(i + 1, close - i - 1);
    i = close + 1;
    if (field == "stem") {
      name += split_name(below).stem;
    } else if (field == "ext") {
      name += split_name(input).extension;
    } else if (field == "parent") {
      std::error_code ignored;
      name += input == "-" ? std::string()
                           : fs::absolute(input, ignored).lexically_normal().parent_path().filename().string();
    } else if (field == "n") {
      name += std::to_string(number);
    } else if (const auto found = options.name_fields.find(field); found != options.name_fields.end()) {
      name += found->second;
    } else {
      std::string known = "{stem} {ext} {parent} {n}";
      for (const auto& [name_field, value] : options.name_fields) known += " {" + name_field + "}";
      fail(ErrorKind::usage, "the name pattern {} has an unknown field {{{}}}; known: {}", options.name, field, known);
    }
  }
  if (name.empty() || name == "." || name == ".." || name.find('/') != std::string::npos)
    fail(ErrorKind::usage, "the name pattern {} gives no file name for {}", options.name, input.string());
  return below.parent_path() / (name + "." + extension);
}

Format output_format(const BatchOptions& options, const fs::path& output, Format input_format) {
  if (options.format) return *options.format;
  if (const auto named = format_from_name(output.extension().string())) return *named;
  return written_for(input_format);
}

}  // namespace ganvas
