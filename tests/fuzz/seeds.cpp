// Writes the inputs from which the fuzz targets start, a folder for each: fuzz_seeds FOLDER. All are made here, by our
// own writers and by hand, but for the pictures of tests/imaging/files in formats that we only read.
#define DOCTEST_CONFIG_IMPLEMENT
#include "format/pth_builder.hpp"
#include "imaging/pictures.hpp"
#include "nn/onnx_builder.hpp"

#include <filesystem>
#include <set>

#include "ganvas/imaging/y4m.hpp"
#include "ganvas/metadata/facts.hpp"

using namespace ganvas;
using namespace ganvas::test;
namespace fs = std::filesystem;

namespace {

/// A target's folder; its files are numbered.
class Seeds {
 public:
  Seeds(const fs::path& folder, const std::string& target) : folder_(folder / target) {
    fs::create_directories(folder_);
  }
  void add(const Bytes& bytes) { write_file_atomically(folder_ / (std::to_string(count_++) + ".seed"), bytes); }
  void add(std::string_view text) { add(bytes_of(text)); }

 private:
  fs::path folder_;
  int count_ = 0;
};

/// The shortest profile that lcms and we take for one: a header and no tags.
Bytes profile(std::string_view space) {
  Bytes icc(132, 0);
  icc[3] = 132;
  icc[8] = 2;
  const auto set = [&](std::size_t at, std::string_view text) {
    std::copy(text.begin(), text.end(), icc.begin() + static_cast<std::ptrdiff_t>(at));
  };
  set(12, "mntr");
  set(16, space);
  set(20, "XYZ ");
  set(36, "acsp");
  return icc;
}

Metadata full_metadata(int channels) {
  Metadata metadata;
  metadata.icc = profile(channels <= 2 ? "GRAY" : "RGB ");
  metadata.exif = make_exif(6, channels % 2 == 0);
  metadata.iptc = {0x1c, 2, 120, 0, 3, 'a', 'b', 'c'};
  metadata.comments = {"a comment"};
  metadata.png = {{"tEXt", bytes_of(std::string_view("parameters\0steps: 20", 20))}, {"gAMA", {0, 0, 0xb1, 0x8f}}};
  metadata.resolution = {300, 300, Resolution::Unit::inch};
  add_facts(metadata, {{"model", "photo-x4"}});
  return metadata;
}

/// Every format with every depth and number of channels that it stores, plain and with all metadata.
void written_pictures(Seeds& seeds) {
  for (const auto& [format, name, label, extension, gray, extensions] : format_names)
    for (const Depth depth : {Depth::u8, Depth::u16, Depth::f32})
      for (const int channels : {1, 2, 3, 4, 6}) {
        if (!can_hold(format, depth, channels)) continue;
        const Image image = channels % 2 ? gradient(9, 7, channels, depth) : noise(5, 6, channels, depth);
        seeds.add(encode_image(image, format, {}));
        if (depth == Depth::u8) seeds.add(encode_image(image, format, full_metadata(channels), {.quality = 60}));
      }
  for (const Format format : {Format::jpeg, Format::png, Format::webp})
    seeds.add(with_exif(encode_image(noise(6, 4, 3, Depth::u8), format, {}), format, make_exif(8, true), 6, 4));
  seeds.add(encode_image(noise(8, 8, 4, Depth::u8), Format::webp, {}, {.quality = 100}));
}

TiffPage tiff_page(int width, int height, std::uint32_t bits, std::uint32_t samples, std::uint32_t photometric,
                   std::vector<TiffTag> more = {}) {
  TiffPage page;
  page.pixels.resize(static_cast<std::size_t>(width) * height * samples * bits / 8 + 8, 0x5a);
  const auto w = static_cast<std::uint32_t>(width), h = static_cast<std::uint32_t>(height);
  const auto length = static_cast<std::uint32_t>(page.pixels.size());
  page.tags = {{256, 4, {w}},     {257, 4, {h}},           {258, 3, std::vector<std::uint32_t>(samples, bits)},
               {259, 3, {1}},     {262, 3, {photometric}}, {273, 4, {0}},
               {274, 3, {3}},     {277, 3, {samples}},     {278, 4, {h}},
               {279, 4, {length}}};
  page.tags.insert(page.tags.end(), more.begin(), more.end());
  return page;
}

/// What others write and we don't: palettes, interlacing, few bits, several pages, texts, animations, kin.
void made_pictures(Seeds& seeds) {
  const Bytes palette = png_chunk("PLTE", {0, 0, 0, 255, 0, 0, 0, 255, 0, 9, 9, 9});
  seeds.add(make_png(4, 2, 2, 3, {0, 0x1b, 0, 0xe4}, palette));
  seeds.add(make_png(4, 2, 2, 3, {0, 0x1b, 0, 0xe4}, [&] {
    Bytes both = palette;
    put(both, png_chunk("tRNS", {0, 128}));
    return both;
  }()));
  seeds.add(make_png(8, 1, 1, 0, {0, 0x55}));
  seeds.add(make_png(2, 2, 8, 2, {0, 1, 2, 3, 0, 4, 5, 6, 0, 7, 8, 9}, {}, true));
  seeds.add(make_png(2, 1, 16, 4, {0, 1, 2, 3, 4, 5, 6, 7, 8}, png_chunk("acTL", {0, 0, 0, 2, 0, 0, 0, 0})));
  seeds.add(make_tiff({tiff_page(4, 3, 8, 1, 1)}, true));
  seeds.add(make_tiff({tiff_page(4, 3, 8, 3, 2), tiff_page(2, 2, 8, 1, 1)}));
  seeds.add(make_tiff({tiff_page(4, 3, 16, 4, 2, {{338, 3, {2}}})}));
  seeds.add(make_tiff({tiff_page(4, 3, 8, 4, 5)}));
  seeds.add(make_tiff({tiff_page(4, 3, 8, 1, 1, {{33550, 12, {1, 1}}, {34665, 4, {8}}, {700, 1, {60, 47}}})}));
  for (const std::string_view text :
       {"P1\n4 2\n1 0 1 0\n0 1 0 1\n", "P2\n# a comment\n2 2\n255\n1 2 3 4\n", "P3\n1 1\n65535\n1 2 3\n",
        "P4\n8 1\n\x55", "P7\nWIDTH 1\n", "GIF89a\1\0\1\0", "qoif", "BM", "P5 3 1 255 abcP5 1 1 255 a", "8BPS"})
    seeds.add(text);
  Bytes several = encode_image(noise(3, 2, 3, Depth::u8), Format::jpeg, {});
  put(several, several);
  seeds.add(several);
}

/// HEIC, AVIF, JPEG XL, GIF, TGA.
void pictures_of_others(Seeds& seeds) {
  std::set<fs::path> files;
  for (const auto& entry : fs::directory_iterator(fs::path(GANVAS_SOURCE_DIR) / "tests/imaging/files"))
    if (foreign_format(entry.path().string())) files.insert(entry.path());
  for (const fs::path& file : files) seeds.add(read_file(file));
}

void films(const fs::path& folder) {
  Seeds seeds(folder, "film");
  const std::string header = y4m_header(6, 4, 3, "30000:1001", "8:9");
  Bytes film = bytes_of(header);
  for (int i = 0; i < 2; ++i) put(film, y4m_frame(noise(6, 4, 3, Depth::u8, i)));
  seeds.add(film);
  for (const char* kind : {"420jpeg", "420mpeg2", "420p10", "422", "444p16", "411", "mono", "mono12"})
    for (const char* more : {"", " XCOLORRANGE=FULL XYSCSS=x"})
      seeds.add("YUV4MPEG2 W5 H3 F25:1 Ip A1:1 C" + std::string(kind) + more + "\nFRAME\n" + std::string(90, '\x5a') +
                "\nFRAME Ip\n" + std::string(60, '\x42'));
}

std::string script_archive(const std::string& code) {
  const std::string proto("\x80\x02", 2);
  return zip_of(
      {{"m/data.pkl", proto + "c__torch__\nNet\n)\x81}(" + text_of("training") + "\x89" + text_of("weight") +
                          tensor_of(storage_of("0", 2), 0, {2}, {1}) + text_of("sizes") + tuple_of({1, 2}) + "ub."},
       {"m/code/__torch__.py", code},
       {"m/constants.pkl", proto + "(" + tensor_of(storage_of("0", 1), 0, {1}, {1}) + "t."},
       {"m/data/0", floats({1, 2})},
       {"m/constants/0", floats({3})},
       {"m/version", "3\n"}});
}

const std::string script_source = R"(class Net(Module):
  __parameters__ = ["weight", ]
  __buffers__ = []
  weight : Tensor
  training : bool
  scale : Final[int] = 4
  act : __torch__.torch.nn.modules.activation.ReLU
  def forward(self: __torch__.Net,
    x: Tensor) -> Tensor:
    weight = self.weight
    _0 = torch.conv2d(x, weight, None, [1, 1], [1, 1], annotate(List[int], []), -1)
    _1 = __torch__.helper(_0, 1.5e-3, inf=float("inf"), )
    if torch.eq(torch.dim(x), 4):
      y = _1
    else:
      ops.prim.RaiseException("no \"picture\"\n", "builtins.ValueError")
      y = uninitialized(Tensor)
    for i in range(3):
      y = torch.add(y, (x, [y], -1)[0], alpha=1)
    a, b, = torch.chunk(y, 2, 1)
    return (self.act).forward(torch.cat([a, b], 1), )
  def forward1(self: __torch__.Net) -> None:
    return None
def helper(x: Tensor,
    slope: float=0.10000000000000001,
    inplace: Optional[bool]=None) -> Tensor:
  return torch.leaky_relu(x, slope)
)";

void models(const fs::path& folder) {
  const std::string weight = tensor_of(storage_of("0", 6), 0, {2, 3}, {3, 1});
  const std::string half = tensor_of(storage_of("1", 4, "HalfStorage"), 1, {3}, {1});
  const std::string dict =
      dict_of({{"module.conv.weight", weight}, {"module.conv.bias", half}, {"epoch", integer_of(3)}});
  const std::string proto("\x80\x02", 2), data = floats({1, 2, 3, 4, 5, 6}), halves(8, '\x3c');
  const std::string wrapped = dict_of({{"params_ema", dict}, {"optimizer", dict_of({{"lr", integer_of(1)}})}});
  Seeds pickles(folder, "pickle"), zips(folder, "zip"), scripts(folder, "script"), tensors(folder, "safetensors");
  for (const std::string& body :
       {dict, wrapped, std::string("ccollections\nOrderedDict\n)R(" + text_of("a") + weight + "u")}) {
    pickles.add(zip_pth(proto + body + ".", {data, halves}));
    pickles.add(legacy_pth(proto + body + ".", {{6, data}, {4, halves}}));
    pickles.add(proto + body + ".");
  }
  for (const std::string_view text :
       {"(dp0\nS'a'\np1\nI3\nsS'b'\nF2.5\nsS'c'\n(lp2\nI01\na(I1\nL5L\ntas.",
        "\x80\x04\x95\x0b\0\0\0\0\0\0\0}\x94\x8c\1a\x94K\5s.", "cposix\nsystem\n(S'id'\ntR.",
        "\x80\x03}q\0(X\1\0\0\0aq\1N\x88\x89G@\4\0\0\0\0\0\0h\1j\1\0\0\0K\1M\2\3J\1\2\3\4\x8a\1\5u.",
        "cnumpy.core.multiarray\nscalar\n(cnumpy\ndtype\n(S'f8'\nK\0K\1tRS'12345678'\ntR."})
    pickles.add(text);
  zips.add(zip_of({{"a", "content"}, {"b/c", ""}}));
  zips.add(zip_of({{"a", "content", 0, 0, 0, 0, 0, true}}, true));
  zips.add(zip_of({{"a", std::string("\x4b\4\0", 3), 8}}));
  zips.add(zip_pth(proto + dict + ".", {data}));
  zips.add(script_archive(script_source));
  scripts.add(script_archive(script_source));
  scripts.add(script_source);
  scripts.add("def f(x: Tensor) -> Tensor:\n  return torch.relu(x)\n");
  for (
      const std::string& header :
      {std::string(
           R"({"__metadata__":{"a":"b"},"w":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]},"b":{"dtype":"F16","shape":[],"data_offsets":[24,26]}})"),
       std::string(
           R"({"w":{"dtype":"BOOL","shape":[3],"data_offsets":[0,3]},"e":{"dtype":"I64","shape":[0,5],"data_offsets":[3,3]}}   )")})
    tensors.add(little_endian(header.size(), 8) + header + data + std::string(header.ends_with(' ') ? 0 : 2, 1));
}

/// Networks with their graph: a convolution and what is around it, and constants that shapes are computed from.
void graphs(const fs::path& folder) {
  Seeds ncnn(folder, "ncnn"), onnx(folder, "onnx");
  const std::string zero(1, '\0'), fp32(4, '\0'), fp16("\x47\x6b\x30\x01", 4);
  const std::string kernel = floats(std::vector<float>(3 * 12, 0.01F)), bias = floats(std::vector<float>(12, 0.5F));
  const std::string head = "7767517\n", input = "Input in 0 1 x 0=8 1=8 2=3\n";
  const std::string conv = "Convolution conv 1 1 x a 0=12 1=1 5=1 6=36";
  ncnn.add(head + "3 3\n" + input + conv + " 9=2 -23310=1,0.1\nPixelShuffle up 1 1 a y 0=2\n" + zero + fp32 + kernel +
           bias);
  ncnn.add(head + "2 2\n" + input + conv + "\n" + zero + fp16 + std::string(36 * 2, '\x3c') + bias);
  ncnn.add(head + "5 6\n" + input +
           "Split s 1 2 x b c\nInterp i 1 1 b d 0=2 1=2.0 2=2.0\nInterp j 1 1 c e 0=1 1=2 2=2\n" +
           "BinaryOp add 2 1 d e y 0=0\n");
  ncnn.add(head + "3 3\n" + input + "Padding p 1 1 x a 0=1 1=1 2=1 3=1 4=2\nCrop c 1 1 a y 0=1 1=1 3=8 4=8\n");

  const std::string weight = onnx_constant("w", {12, 3, 1, 1}, proto_field(9, kernel));
  const std::string block = proto_field(5, proto_field(1, "blocksize") + proto_field(3, 2) + proto_field(20, 2));
  onnx.add(onnx_model(onnx_node("Conv", {"x", "w"}, "a") + onnx_node("LeakyRelu", {"a"}, "b") +
                          onnx_node("DepthToSpace", {"b"}, "y", block),
                      weight));
  onnx.add(onnx_model(onnx_node("Shape", {"x"}, "s") + onnx_node("Reshape", {"x", "s"}, "a") +
                      onnx_node("Add", {"a", "x"}, "y")));
  // Weights beside the file, or not.
  const auto entry = [](const char* key, const char* value) {
    return proto_field(13, proto_field(1, key) + proto_field(2, value));
  };
  onnx.add(onnx_model(onnx_node("Conv", {"x", "w"}, "y"),
                      onnx_constant("w", {3, 3, 1, 1}, entry("location", "../x") + proto_field(14, 1))));
}

void texts(const fs::path& folder) {
  Seeds recipes(folder, "recipe"), json(folder, "json");
  for (const auto& entry : fs::directory_iterator(fs::path(GANVAS_SOURCE_DIR) / "models/recipes"))
    if (entry.file_size() < 1500 && entry.path().extension() == ".toml") recipes.add(read_file(entry.path()));
  recipes.add("a.b = [1, 2.5,\n  -3e4] # all\n[t]\n\"q\" = 'x\\y'\nu = \"\\u00e9\\n\"\nd = 1979-05-27\nf = true\n");
  recipes.add("train.steps=+1_000\n[generator]\ntype = \"rrdbnet\"\nchannels = 0x10\nx = inf\n");
  json.add(
      R"({"architecture":"compact","scale":4,"mean":[0.1,-2e-3,null],"nested":{"a":[[1,true]],"text":"\u00e9\"\\"}})");
  json.add("[]");
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  doctest::Context context;  // pictures.hpp requires things
  context.setAsDefaultForAssertsOutOfTestCases();
  const fs::path folder = argv[1];
  for (const std::string target : {"picture", "metadata"}) {
    Seeds seeds(folder, target);
    written_pictures(seeds);
    made_pictures(seeds);
    pictures_of_others(seeds);
  }
  films(folder);
  models(folder);
  graphs(folder);
  texts(folder);
}
