#pragma once

#include "format/byte_source.hpp"
#include "format/pickle_value.hpp"
#include "format/storages.hpp"
#include "format/zip_reader.hpp"

namespace ganvas::format {

/// What a .pth holds before any element is read.
struct PthContent {
  Pickle pickle;
  Storages storages;
};

bool is_zip(const ByteSource& source);
/// Whether an archive is a program of torch.jit.save.
bool holds_torchscript(const std::map<std::string, ZipEntry>& entries);

/// The archive's folder, which is named like the file that torch.save was given, with its slash.
std::string find_folder(const ByteSource& source, const std::map<std::string, ZipEntry>& entries);
/// Says where the storages that a pickle names are: `folder` + key.
void add_storages(const Pickle& pickle, const std::map<std::string, ZipEntry>& entries, const std::string& folder,
                  Storages& storages);

/// torch.save's format since 1.6: `<name>/data.pkl` and `<name>/data/<key>` in a zip archive.
PthContent read_zip_pth(const ByteSource& source);
/// torch.save's format before: pickles of a magic number, a version, the machine, the object and the keys of its
/// storages; then the storages, each a count (int64) and its elements.
PthContent read_legacy_pth(const ByteSource& source);

}  // namespace ganvas::format
