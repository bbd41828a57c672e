#include <torch/torch.h>

#include "format/mutations.hpp"
#include "format/pth_builder.hpp"
#include "ganvas/core/error.hpp"
#include "ganvas/core/files.hpp"
#include "ganvas/format/model_file.hpp"
#include "support/support.hpp"

using namespace ganvas;
using namespace ganvas::test;
namespace fs = std::filesystem;

namespace {

ModelFile read_bytes(std::string_view bytes) {
  const TemporaryFolder folder;
  write_file_atomically(folder / "x.pth", bytes);
  return read_model_file(folder / "x.pth");
}

/// Checks that the file is refused, with a message of one line that starts with its name and gives the reason.
void refused_for(const std::string& reason, const std::string& bytes) {
  std::string message = "(accepted)";
  try {
    read_bytes(bytes);
  } catch (const Error& error) {
    message = error.what();
    CHECK(error.kind() == ErrorKind::model);
    CHECK(message.find("x.pth: ") != std::string::npos);
    CHECK(message.find('\n') == std::string::npos);
  }
  INFO(message);
  CHECK(message.find(reason) != std::string::npos);
}

const std::string kThree = tensor_of(storage_of("0", 3), 0, {3}, {1});

}  // namespace

TEST_CASE("pth: pickles written by hand are read in both containers") {
  const std::string pickle = dict_of({{"w", tensor_of(storage_of("0", 6), 0, {2, 3}, {3, 1})},
                                      {"transposed", tensor_of(storage_of("0", 6), 0, {3, 2}, {1, 3})},
                                      {"tail", tensor_of(storage_of("0", 6), 4, {2}, {1})},
                                      {"scalar", tensor_of(storage_of("1", 1, "LongStorage"), 0, {}, {})},
                                      {"empty", tensor_of(storage_of("0", 6), 6, {0, 5}, {5, 1})},
                                      {"expanded", tensor_of(storage_of("0", 6), 5, {1000}, {0})},
                                      {"epoch", integer_of(7)},
                                      {"name", text_of("x")}}) +
                             ".";
  const std::string values = floats({0, 1, 2, 3, 4, 5}), count = little_endian(42, 8);
  for (const std::string& file : {zip_pth(pickle, {values, count}), legacy_pth(pickle, {{6, values}, {1, count}})}) {
    const ModelFile model = read_bytes(file);
    CHECK(model.wrapper.empty());
    CHECK(model.container == (file.starts_with("PK") ? "pth (zip)" : "pth (legacy)"));
    REQUIRE(model.weights.size() == 6);
    CHECK(torch::equal(model.weights.at("w"), torch::arange(6, torch::kFloat).view({2, 3})));
    CHECK(torch::equal(model.weights.at("transposed"), torch::arange(6, torch::kFloat).view({2, 3}).t()));
    CHECK(torch::equal(model.weights.at("tail"), torch::tensor({4.f, 5.f})));
    CHECK(model.weights.at("scalar").dim() == 0);
    CHECK(model.weights.at("scalar").item<std::int64_t>() == 42);
    CHECK(model.weights.at("empty").sizes() == torch::IntArrayRef{0, 5});
    CHECK(model.weights.at("expanded").sum().item<float>() == 5000);
  }
}

TEST_CASE("pth: parameters, _metadata, old views and what stands beside the tensors") {
  const std::string metadata =  // OrderedDict() with items and an attribute _metadata
      "ccollections\nOrderedDict\n)R(" + text_of("w") + "ctorch._utils\n_rebuild_parameter\n(" + kThree + "\x88" +
      "ccollections\nOrderedDict\n)RtRu}(" + text_of("_metadata") + "ccollections\nOrderedDict\n)Rub";
  const std::string numpy =  // numpy.float64(...)
      "cnumpy.core.multiarray\nscalar\n(cnumpy\ndtype\n(" + text_of("f8") + "\x89\x88tR(K\x03" + text_of("<") +
      "NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK" + std::string(1, '\0') + "tb" + "C\x08" + "12345678tR";
  const ModelFile model =
      read_bytes(zip_pth(dict_of({{"best", numpy}, {"state_dict", metadata}}) + ".", {floats({1, 2, 3})}));
  CHECK(model.wrapper == "state_dict");
  CHECK(torch::equal(model.weights.at("w"), torch::tensor({1.f, 2.f, 3.f})));

  const std::string view = "(" + text_of("storage") + "ctorch\nFloatStorage\n" + text_of("0") + text_of("cpu") +
                           integer_of(4) + "(" + text_of("9") + integer_of(1) + integer_of(2) + "ttQ";
  const ModelFile old =
      read_bytes(legacy_pth(dict_of({{"v", "ctorch._utils\n_rebuild_tensor\n(" + view + integer_of(1) + tuple_of({1}) +
                                               tuple_of({1}) + "tR"}}) +
                                ".",
                            {{4, floats({1, 2, 3, 4})}}));
  CHECK(old.weights.at("v").item<float>() == 3);  // element 1 of the view from 1
  refused_for("outside its storage",
              legacy_pth(dict_of({{"v", tensor_of(view, 0, {3}, {1})}}) + ".", {{4, floats({1, 2, 3, 4})}}));
}

TEST_CASE("pth: wrappers and prefixes are removed in their order") {
  const std::vector<std::string> data{floats({1, 2, 3})};
  const std::string dict = dict_of({{"w", kThree}}), other = dict_of({{"other", kThree}});
  const auto wrapper_of = [&](const std::string& pickle) {
    const ModelFile model = read_bytes(zip_pth(pickle + ".", data));
    CHECK(model.weights.contains("w"));
    return model.wrapper;
  };
  CHECK(wrapper_of(dict) == "");
  CHECK(wrapper_of(dict_of({{"params", other}, {"params_ema", dict}})) == "params_ema");
  CHECK(wrapper_of(dict_of({{"params-ema", dict}, {"params", other}})) == "params-ema");
  CHECK(wrapper_of(dict_of({{"net", other}, {"model", dict}, {"optimizer", other}})) == "model");
  CHECK(wrapper_of(dict_of({{"params", other}, {"state_dict", dict}})) == "state_dict");
  CHECK(wrapper_of(dict_of({{"state_dict", other}, {"model_state_dict", dict}})) == "model_state_dict");
  CHECK(wrapper_of(dict_of({{"anything", dict}})) == "anything");
  CHECK(wrapper_of(dict_of({{"model", dict_of({{"params", dict}})}})) == "model/params");
  CHECK(wrapper_of(dict_of({{"module.w", kThree}})) == "");
  CHECK(wrapper_of(dict_of({{"params", dict_of({{"module.netG.w", kThree}})}})) == "params");
  // Not common to all keys: left alone.
  const ModelFile mixed = read_bytes(zip_pth(dict_of({{"module.w", kThree}, {"b", kThree}}) + ".", data));
  CHECK(mixed.weights.contains("module.w"));
  // "model" may be a tensor's name, and an entry that is no dict is no wrapper.
  CHECK(
      read_bytes(zip_pth(dict_of({{"model", kThree}, {"net", integer_of(1)}}) + ".", data)).weights.contains("model"));

  refused_for("it has 'A', 'B'", zip_pth(dict_of({{"A", dict}, {"B", dict}}) + ".", data));
  refused_for("no tensors; there it has nothing", zip_pth("}.", data));
  refused_for("under 'params'", zip_pth(dict_of({{"params", dict_of({{"epoch", integer_of(1)}})}}) + ".", data));
  refused_for("a single tensor", zip_pth(kThree + ".", data));
  refused_for("some other data", zip_pth("].", data));
  refused_for("no tensors", zip_pth("}q\x01" + text_of("self") + "h\x01s.", data));  // contains itself
}

TEST_CASE("pth: a pickle that calls a program is refused by name and runs nothing") {
  const TemporaryFolder folder;
  const std::string command = "touch " + (folder / "run").string();
  const std::string call = "cos\nsystem\n(" + text_of(command) + "tR";
  const std::string proto("\x80\x02", 2);
  for (const std::string& file : {zip_pth(call + "."), legacy_pth(call + "."), proto + call + ".", call + ".",
                                  zip_pth(dict_of({{"w", kThree}, {"x", call}}) + ".", {floats({1, 2, 3})})}) {
    refused_for("refused: the pickle asks for 'os.system'", file);
  }
  refused_for("'posix.system'", zip_pth(text_of("posix") + text_of("system") + "\x93."));
  refused_for("'builtins.eval'", zip_pth("(ibuiltins\neval\n."));
  refused_for("'builtins.eval'", zip_pth("(cbuiltins\neval\n" + text_of("1") + "o."));
  refused_for("'argparse.Namespace'", zip_pth("cargparse\nNamespace\n)\x81."));
  refused_for("'torch._utils._rebuild_qtensor'", zip_pth("ctorch._utils\n_rebuild_qtensor\n)R."));
  refused_for("'torch._utils._rebuild_parameter'",
              zip_pth("ctorch._tensor\n_rebuild_from_type_v2\n(ctorch._utils\n_rebuild_parameter\nNNNtR."));
  refused_for("operation 0x82", zip_pth("\x82\x01."));
  refused_for("'a?b.c'", zip_pth("ca\x01"
                                 "b\nc\n."));
  CHECK_FALSE(fs::exists(folder / "run"));
}

TEST_CASE("pth: live modules and whole modules are refused with the line of Python that makes a state dict of them") {
  // As NVIDIA's .pkl files are: a dict of calls that would run the source that comes along.
  const std::string live =
      "ctorch_utils.persistence\n_reconstruct_persistent_obj\n(" + dict_of({{"class_name", "N"}}) + "tR";
  const std::string proto("\x80\x02", 2);
  for (const std::string& file : {proto + dict_of({{"G", live}, {"G_ema", live}}) + ".", zip_pth(live + ".")})
    for (const char* part :
         {"torch_utils.persistence", "nothing was run", "pickle.load(open(", "[\"G_ema\"].state_dict()"})
      refused_for(part, file);
  for (const std::string& file : {zip_pth("c__main__\nGenerator\n)\x81."), legacy_pth("c__main__\nGenerator\n)\x81.")})
    for (const char* part : {"'__main__.Generator'", "whole Python module", "torch.save(torch.load("})
      refused_for(part, file);
  // What attacks is not to be loaded by anyone.
  for (const char* part : {"nothing was run"}) refused_for(part, zip_pth("cos\nsystem\n(" + text_of("x") + "tR."));
}

TEST_CASE("pth: the generator of a training's dict is taken") {
  const std::vector<std::string> data{floats({1, 2, 3})};
  const std::string dict = dict_of({{"w", kThree}}), other = dict_of({{"other", kThree}});
  const auto wrapper_of = [&](const std::vector<std::pair<std::string, std::string>>& items) {
    const ModelFile model = read_bytes(zip_pth(dict_of(items) + ".", data));
    CHECK(model.weights.contains("w"));
    return model.wrapper;
  };
  CHECK(wrapper_of({{"discriminator", other}, {"generator", dict}, {"epoch", integer_of(1)}}) == "generator");
  CHECK(wrapper_of({{"netD", other}, {"netG", dict}, {"optimizer_G", other}}) == "netG");
  CHECK(wrapper_of({{"G", dict}, {"D", other}}) == "G");
  CHECK(wrapper_of({{"net_g", other}, {"net_g_ema", dict}, {"net_d", other}}) == "net_g_ema");
  CHECK(wrapper_of({{"model", dict_of({{"scale", integer_of(4)}})}, {"weights", dict}}) == "weights");
  CHECK(wrapper_of({{"my net", dict}, {"optimizer", dict_of({{"state", other}})}, {"epoch", integer_of(1)}}) ==
        "my net");
  CHECK(wrapper_of({{"state", dict_of({{"generator", dict}, {"discriminator", other}})}}) == "state/generator");
}

TEST_CASE("pth: what stands beside the weights is opaque, whatever its class") {
  const std::vector<std::string> data{floats({1, 2, 3})};
  const std::string empty = "cargparse\nNamespace\n)\x81}(" + text_of("lr") + "K\x01ub";
  const std::string beside[] = {
      empty,
      "cdatetime\ndatetime\n(C\x0a" + std::string("\x07\xe8\x01\x01\x00\x00\x00\x00\x00\x00", 10) + "tR",
      "ccollections\ndeque\n()tR(K\x01K\x02"
      "e",  // made in two steps
      "ccollections\ndefaultdict\n(cbuiltins\nlist\ntR(" + text_of("a") + "]u",
      "cpathlib\nPosixPath\n(" + text_of("a") + "tR",
      "(iyacs.config\nCfgNode\n",                    // protocol 0
      "(cyacs.config\nCfgNode\nK\x01o",              // protocol 1
      "cmy.own\nThing\n)}\x92",                      // with keyword arguments
      "cfunctools\npartial\n(cmy.own\nThing\ntR)R",  // what a call gives is called
      "(" + text_of("module") + "cmy.own\nNet\n" + text_of("net.py") + text_of("class Net") + "tQ)\x81}b",
  };
  for (const std::string& value : beside) {
    const std::string pickle = dict_of({{"args", value}, {"params", dict_of({{"w", kThree}})}}) + ".";
    CHECK(read_bytes(zip_pth(pickle, data)).weights.contains("w"));
    CHECK(read_bytes(legacy_pth(pickle, {{3, data[0]}})).weights.contains("w"));
    // Among the weights too.
    CHECK(read_bytes(zip_pth(dict_of({{"w", kThree}, {"date", value}}) + ".", data)).weights.size() == 1);
  }
  refused_for("'argparse.Namespace'", zip_pth(dict_of({{"state_dict", empty}}) + "."));
  refused_for("endless name", zip_pth("c" + std::string(600, 'a') + "\nb\n."));
  refused_for("endless name",
              zip_pth(dict_of({{"w", tensor_of(storage_of(std::string(300, '0'), 3), 0, {3}, {1})}}) + "."));
}

TEST_CASE("pth: prefixes go as often as they occur, in any order") {
  const std::vector<std::string> data{floats({1, 2, 3})};
  using Keys = std::vector<std::string>;
  const auto keys_of = [&](const Keys& keys) {
    std::vector<std::pair<std::string, std::string>> items;
    for (const std::string& key : keys) items.emplace_back(key, kThree);
    items.emplace_back("n_averaged", tensor_of(storage_of("0", 3), 0, {}, {}));
    Keys result;
    for (const auto& [key, tensor] : read_bytes(zip_pth(dict_of(items) + ".", data)).weights) result.push_back(key);
    return result;
  };
  for (const char* prefix : {"module.", "_orig_mod.", "model.", "net_g.", "netG.", "generator.", "module.module.",
                             "_orig_mod.module.", "module._orig_mod.", "model.generator.module.", "generator.model."}) {
    INFO(prefix);
    CHECK(keys_of({prefix + std::string("body.0.w"), prefix + std::string("tail.w")}) == Keys{"body.0.w", "tail.w"});
  }
  // The network's own name: ResNet and ESRGAN, U-Net; alone and wrapped.
  const Keys resnet{"model.1.weight", "model.10.conv_block.1.weight"},
      unet{"model.model.0.weight", "model.model.1.model.1.w"};
  for (const Keys& own : {resnet, unet}) {
    CHECK(keys_of(own) == own);
    for (const char* prefix : {"module.", "model.", "netG.", "model.module."}) {
      Keys wrapped;
      for (const std::string& key : own) wrapped.push_back(prefix + key);
      CHECK(keys_of(wrapped) == own);
    }
  }
  CHECK(keys_of({"generator.w", "discriminator.a", "loss.vgg.0"}) == Keys{"w"});
  CHECK(keys_of({"generator.w", "encoder.a"}) == Keys{"generator.w", "encoder.a"});
  CHECK(keys_of({"module."}) == Keys{"module."});
  const std::string count = tensor_of(storage_of("0", 3), 0, {1}, {1});
  const ModelFile counted = read_bytes(zip_pth(
      dict_of({{"module.total_ops", count}, {"module.c.w", kThree}, {"module.c.total_params", count}}) + ".", data));
  CHECK(counted.weights.size() == 1);
  CHECK(counted.weights.contains("c.w"));
}

TEST_CASE("pth: training containers of the field load") {
  const fs::path folder = shared_folder() / "weights/community";
  SKIP_WITHOUT(folder);
  for (const char* name :
       {"datetime", "generator", "lightning-model", "lightning-namespace", "n_averaged", "orig_mod"}) {
    INFO(name);
    const ModelFile model = read_model_file(folder / (std::string("wild-") + name + ".pth"));
    CHECK(model.weights.size() == 14);
    CHECK(model.weights.contains("body.0.weight"));
  }
}

TEST_CASE("pth: layouts that leave their storage are refused") {
  const auto file = [](const std::string& tensor) {
    return zip_pth(dict_of({{"w", tensor}}) + ".", {floats({1, 2, 3})});
  };
  const std::string storage = storage_of("0", 3);
  constexpr std::int64_t large = INT64_C(1) << 62;
  refused_for("outside its storage", file(tensor_of(storage, 0, {4}, {1})));
  refused_for("outside its storage", file(tensor_of(storage, 1, {3}, {1})));
  refused_for("outside its storage", file(tensor_of(storage, 4, {0}, {1})));
  refused_for("outside its storage", file(tensor_of(storage, 0, {2, 2}, {2, 1})));
  refused_for("outside its storage", file(tensor_of(storage, 0, {3, 3}, {large, large})));
  refused_for("outside its storage", file(tensor_of(storage, large, {1}, {1})));
  refused_for("natural number", file(tensor_of(storage, 0, {-1}, {1})));
  refused_for("natural number", file(tensor_of(storage, 2, {3}, {-1})));
  refused_for("impossible shape", file(tensor_of(storage, -1, {1}, {1})));
  refused_for("impossible shape", file(tensor_of(storage, 0, {1, 1}, {1})));
  refused_for("impossible shape", file(tensor_of(storage, 0, {large, 4}, {0, 0})));
  refused_for("impossible shape", file(tensor_of(storage, 0, {0, large, 4}, {0, 0, 0})));
  refused_for("far more elements", file(tensor_of(storage, 0, {1 << 20, 1 << 20}, {0, 0})));
  refused_for("too many dimensions",
              file(tensor_of(storage, 0, std::vector<std::int64_t>(65, 1), std::vector<std::int64_t>(65, 1))));
  refused_for("impossible size", file(tensor_of(storage_of("0", -1), 0, {1}, {1})));
  refused_for("impossible size", file(tensor_of(storage_of("0", INT64_MAX), 0, {1}, {1})));
  refused_for("should have 4 elements", file(tensor_of(storage_of("0", 4), 0, {4}, {1})));
  refused_for("should have 3 elements of 8", file(tensor_of(storage_of("0", 3, "DoubleStorage"), 0, {3}, {1})));
  refused_for("'7' are missing", file(tensor_of(storage_of("7", 3), 0, {3}, {1})));
  refused_for("wrong number or type", file(tensor_of(integer_of(0), 0, {3}, {1})));
  refused_for("'torch.ComplexFloatStorage'", file(tensor_of(storage_of("0", 3, "ComplexFloatStorage"), 0, {3}, {1})));
  refused_for("two ways", zip_pth(dict_of({{"a", kThree}, {"b", tensor_of(storage_of("0", 2), 0, {2}, {1})}}) + ".",
                                  {floats({1, 2, 3})}));
}

TEST_CASE("pth: pickles that try to exhaust the reader are refused") {
  refused_for("empty stack", zip_pth("."));
  refused_for("empty stack", zip_pth("(0."));
  refused_for("not set", zip_pth("t."));
  refused_for("not stored", zip_pth("h\x01."));
  refused_for("protocol is newer", zip_pth("\x80\x06."));
  refused_for("breaks off", zip_pth("}"));
  refused_for("ends past its pickle", zip_pth("X\xff\xff\xff\x7f."));
  refused_for("ends past its pickle", zip_pth(std::string("\x8e") + little_endian(UINT64_MAX, 8) + "."));
  refused_for("without a value", zip_pth("}(Nu."));
  refused_for("can't hold them", zip_pth("](NNu."));
  refused_for("is no number", zip_pth("I1x\n."));
  refused_for("uncallable", zip_pth("NNR."));
  refused_for("too many values", zip_pth(std::string(3'000'000, 'N') + "."));
  refused_for("too many values", zip_pth(std::string(9'000'000, '(') + "."));
  refused_for("too many values", zip_pth("N" + std::string(9'000'000, '2') + "."));
  // Deeply nested tuples and lists: neither reading nor freeing them may recurse.
  refused_for("some other data", zip_pth("N" + std::string(1'000'000, '\x85') + "."));
  refused_for("some other data", zip_pth(std::string(500'000, ']') + std::string(499'999, 'a') + "."));
  // A long list, repeated by three bytes each time.
  std::string repeated = "(" + std::string(100'000, 'N') + "lq\x01";
  for (int i = 0; i < 1000; ++i) repeated += "ccollections\nOrderedDict\nh\x01\x85R";
  refused_for("something else than pairs", zip_pth(repeated + "."));
  repeated = "(" + std::string(100'000, 'N') + "tq\x01";
  for (int i = 0; i < 1000; ++i) repeated += "ctorch\nSize\nh\x01\x85R";
  refused_for("too many values", zip_pth(repeated + "."));
}

TEST_CASE("pth: damaged and hostile zip archives are refused") {
  const std::string pickle = dict_of({{"w", kThree}}) + ".", data = floats({1, 2, 3});
  const auto with = [&](const auto& change, bool has_zip64_end = false) {
    std::vector<ZipPart> parts{{"m/data.pkl", pickle}, {"m/data/0", data}, {"m/version", "3\n"}};
    change(parts);
    return zip_of(parts, has_zip64_end);
  };
  using Parts = std::vector<ZipPart>&;
  CHECK(read_bytes(with([](Parts) {})).weights.size() == 1);
  CHECK(read_bytes(with(
                       [](Parts parts) {
                         for (ZipPart& part : parts) part.has_zip64_field = true;
                       },
                       true))
            .weights.size() == 1);
  CHECK(read_bytes(with([](Parts parts) { parts.push_back({"m/byteorder", "little"}); })).weights.size() == 1);
  refused_for("big-endian", with([](Parts parts) { parts.push_back({"m/byteorder", "big"}); }));
  refused_for("TorchScript", with([](Parts parts) { parts.push_back({"m/constants.pkl", "x"}); }));
  refused_for("TorchScript", with([](Parts parts) { parts.push_back({"m/code/a.py", "x"}); }));
  refused_for("no data.pkl", with([](Parts parts) { parts.erase(parts.begin()); }));
  refused_for("'0' are missing", with([](Parts parts) { parts.erase(parts.begin() + 1); }));
  refused_for("compressed entry", with([](Parts parts) { parts[1].method = 8; }));
  refused_for("encrypted", with([](Parts parts) { parts[1].flags = 1; }));
  refused_for("checksum of storage '0'", with([](Parts parts) { parts[1].crc_changed = 1; }));
  refused_for("checksum of 'm/data.pkl'", with([](Parts parts) { parts[0].crc_changed = 1; }));
  refused_for("entries overlap", with([](Parts parts) {
                parts[1].length_added = 4;
                parts[2].length_added = -2;
                parts[1].length_added = 40;
              }));
  refused_for("outside the file", with([](Parts parts) { parts[2].length_added = 1; }));
  refused_for("outside the file", with([](Parts parts) { parts[1].length_added = 0xfffffff0 - 12; }));
  refused_for("damaged", with([](Parts parts) {
                parts[1].has_zip64_field = true;
                parts[1].offset_added = -1000;
              }));
  refused_for("where it should be", with([](Parts parts) { parts[1].offset_added = 1; }));
  refused_for("twice", with([](Parts parts) { parts[2].name = "m/data/0"; }));
  std::string whole = with([](Parts) {});
  refused_for("no directory", whole.substr(0, whole.size() - 1));
  refused_for("no directory", whole.substr(0, whole.size() / 2));
  refused_for("no directory", "PK\x03\x04");
  whole[whole.size() - 12] = static_cast<char>(whole[whole.size() - 12] + 1);  // count or size of the directory
  refused_for("damaged", whole);
}

TEST_CASE("pth: damaged legacy files are refused") {
  const std::string pickle = dict_of({{"w", kThree}}) + ".", data = floats({1, 2, 3});
  CHECK(read_bytes(legacy_pth(pickle, {{3, data}})).weights.at("w")[2].item<float>() == 3);
  refused_for("another size", legacy_pth(pickle, {{4, data}}));
  refused_for("another size", legacy_pth(pickle, {{UINT64_MAX, data}}));
  refused_for("last part is missing", legacy_pth(pickle, {{3, data.substr(1)}}));
  refused_for("'0' are missing", legacy_pth(pickle));
  refused_for("unknown storage", legacy_pth(pickle, {{3, data}, {3, data}}));
  refused_for("not one of torch.save", std::string("\x80\x02}."));
  std::string big_endian = legacy_pth(pickle, {{3, data}});
  big_endian[big_endian.find("little_endian") + 13] = '\x89';
  refused_for("big-endian", big_endian);
}

TEST_CASE("pth: files that are no models are called what they are") {
  refused_for("empty", "");
  refused_for("Git LFS", "version https://git-lfs.github.com/spec/v1\noid sha256:0\n");
  refused_for("web page", "<!DOCTYPE html>");
  refused_for("HDF5", "\x89HDF\r\n\x1a\n");
  refused_for("unknown", "hello");
  refused_for("tar format", std::string(257, 's') + "ustar" + std::string(300, '\0'));
}

TEST_CASE("pth: mutations of good files are read or refused, nothing else") {
  const TemporaryFolder folder;
  const std::string pickle = dict_of({{"w", tensor_of(storage_of("0", 6), 0, {2, 3}, {3, 1})},
                                      {"b", tensor_of(storage_of("1", 2, "BoolStorage"), 0, {2}, {1})}}) +
                             ".";
  StateDict weights;
  weights.set("w", torch::ones({2, 3}));
  write_model_file(folder / "own.pth", {weights, {}, "params", ""});
  const std::string values = floats({0, 1, 2, 3, 4, 5}), flags("\x01\x00", 2);
  const std::string own(reinterpret_cast<const char*>(read_file(folder / "own.pth").data()),
                        fs::file_size(folder / "own.pth"));
  for (const std::string& good :
       {zip_pth(pickle, {values, flags}), legacy_pth(pickle, {{6, values}, {2, flags}}), own}) {
    for_each_mutation(Bytes(good.begin(), good.end()), 4000, [&](const Bytes& bytes) {
      // Neither through AtomicFile nor over the old file: both would wait for the disk each time.
      fs::remove(folder / "x");
      std::FILE* file = std::fopen((folder / "x").c_str(), "wb");
      std::fwrite(bytes.data(), 1, bytes.size(), file);
      std::fclose(file);
      for (const auto& [key, tensor] : read_model_file(folder / "x").weights) tensor.to(torch::kFloat).sum();
    });
  }
}
