#include "format/pth_reader.hpp"

#include <algorithm>

#include "format/pickle_globals.hpp"
#include "format/pickle_reader.hpp"
#include "format/zip_content.hpp"
#include "format/zip_reader.hpp"
#include "ganvas/core/error.hpp"

namespace ganvas::format {
namespace {

using Kind = Value::Kind;

// As pickle writes it: 0x1950a86a20f9469cfc6c in ten little-endian bytes.
constexpr std::string_view kMagic("\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19", 10);
constexpr std::string_view kMagicDigits = "119547037146038801333356";  // in protocols 0 and 1
constexpr std::int64_t kLegacyVersion = 1001;

[[noreturn]] void refuse_big_endian(const ByteSource& source) {
  fail(ErrorKind::model, "{}: refused: written on a big-endian machine; load and save it in Python on another one",
       source.name());
}

/// The directory of an archive that is one of torch.save.
std::map<std::string, ZipEntry> read_directory(const ByteSource& source) {
  std::map<std::string, ZipEntry> entries = read_zip_directory(source);
  if (holds_torchscript(entries))
    fail(ErrorKind::model,
         "{}: refused: a TorchScript program, not a state dict; export one in Python with "
         "torch.save(torch.jit.load(...).state_dict(), ...)",
         source.name());
  refuse_compressed(source, entries);
  return entries;
}

constexpr std::uint64_t kLongestPickle = 256 << 20;

void expect_magic(const ByteSource& source, Cursor& cursor) {
  // A pickle that isn't torch.save's own goes through the reader too: it names what it refuses.
  const Pickle magic = read_pickle(cursor);
  if (magic.root->kind == Kind::opaque) refuse_global(source.name(), magic.root->text);
  if (magic.root->kind == Kind::dict)
    for (const Value* value : magic.root->items)
      if (value->kind == Kind::opaque) refuse_global(source.name(), value->text);
  if (magic.root->kind != Kind::text || (magic.root->text != kMagic && magic.root->text != kMagicDigits))
    fail(ErrorKind::model, "{}: a pickle, but not one of torch.save", source.name());
  const Pickle version = read_pickle(cursor);
  if (version.root->kind != Kind::integer || version.root->integer != kLegacyVersion)
    fail(ErrorKind::model, "{}: refused: an unknown version of torch.save's old format", source.name());
  const Pickle machine = read_pickle(cursor);
  const Value* little_endian = machine.root->find("little_endian");
  if (little_endian && little_endian->kind == Kind::boolean && !little_endian->integer) refuse_big_endian(source);
}

/// Finds the storages behind the pickles: each has a count and its elements.
void find_storages(const ByteSource& source, const Value& keys, std::uint64_t offset, PthContent& content) {
  const auto damaged = [&](std::string_view what) {
    fail(ErrorKind::model, "{}: damaged: {}; download it again", source.name(), what);
  };
  if (keys.kind != Kind::list) damaged("the list of its storages is missing");
  for (const Value* key : keys.items) {
    const auto storage = content.pickle.storages.find(key->text);
    if (key->kind != Kind::text || storage == content.pickle.storages.end()) damaged("an unknown storage is listed");
    std::int64_t count = 0;
    source.read(offset, &count, sizeof count);
    offset += sizeof count;
    if (count != storage->second->count) damaged("a storage has another size than its tensors expect");
    const std::uint64_t length = static_cast<std::uint64_t>(count) * storage->second->type->size;
    if (length > source.size() - offset) damaged("its last part is missing");
    content.storages.add(key->text, offset, length);
    offset += length;
  }
}

}  // namespace

bool holds_torchscript(const std::map<std::string, ZipEntry>& entries) {
  return std::ranges::any_of(entries, [](const auto& entry) {
    const std::string_view name = entry.first;
    const auto slash = name.find('/');
    if (slash == name.npos) return false;
    const std::string_view inside = name.substr(slash + 1);
    return inside == "constants.pkl" || inside.starts_with("code/");
  });
}

std::string find_folder(const ByteSource& source, const std::map<std::string, ZipEntry>& entries) {
  constexpr std::string_view pickle = "/data.pkl";
  for (const auto& [name, entry] : entries) {
    if (name.ends_with(pickle) && name.find('/') == name.size() - pickle.size())
      return name.substr(0, name.size() - pickle.size() + 1);
  }
  fail(ErrorKind::model, "{}: a zip archive, but not one of torch.save (no data.pkl in it)", source.name());
}

void add_storages(const Pickle& pickle, const std::map<std::string, ZipEntry>& entries, const std::string& folder,
                  Storages& storages) {
  for (const auto& [key, storage] : pickle.storages) {
    const auto entry = entries.find(folder + key);
    if (entry == entries.end()) continue;
    if (entry->second.compressed) refuse_as_compressed(storages.source(), entry->first);
    storages.add(key, entry->second.offset, entry->second.length, entry->second.crc32);
  }
}

bool is_zip(const ByteSource& source) { return source.size() >= 4 && source.read_text(0, 4) == "PK\x03\x04"; }

PthContent read_zip_pth(const ByteSource& source) {
  const std::map<std::string, ZipEntry> entries = read_directory(source);
  const std::string folder = find_folder(source, entries);
  const auto byte_order = entries.find(folder + "byteorder");
  if (byte_order != entries.end() &&
      read_entry(source, byte_order->first, byte_order->second, kLongestPickle) != "little")
    refuse_big_endian(source);

  const std::string name = folder + "data.pkl";
  const std::string text = read_entry(source, name, entries.at(name), kLongestPickle);
  const MemorySource pickle({reinterpret_cast<const std::uint8_t*>(text.data()), text.size()}, source.name());
  Cursor cursor(pickle, 0, pickle.size());
  PthContent content{read_pickle(cursor), Storages(source)};
  add_storages(content.pickle, entries, folder + "data/", content.storages);
  return content;
}

PthContent read_legacy_pth(const ByteSource& source) {
  Cursor cursor(source, 0, source.size());
  expect_magic(source, cursor);
  PthContent content{read_pickle(cursor), Storages(source)};
  const Pickle keys = read_pickle(cursor);
  find_storages(source, *keys.root, cursor.position(), content);
  return content;
}

}  // namespace ganvas::format
