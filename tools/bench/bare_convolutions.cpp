#include "bare_convolutions.hpp"

#include <dnnl.hpp>
#include <memory>

#include "ganvas/core/isa.hpp"

namespace ganvas {

namespace {

using dnnl::memory;

struct Bare {
  dnnl::engine engine{dnnl::engine::kind::cpu, 0};
  dnnl::stream stream{engine};
  struct Step {
    dnnl::convolution_forward primitive;
    std::unordered_map<int, memory> arguments;
  };
  std::vector<Step> steps;

  /// `from` and `to`: whatever layout oneDNN likes best, as each stands for itself.
  void add(const at::Tensor& weight, int height, int width, memory::data_type from, memory::data_type to) {
    const bool int8 = from == memory::data_type::u8;
    const auto any = memory::format_tag::any, together = memory::format_tag::nhwc;
    const memory::desc source({1, weight.size(1), height, width}, from, int8 ? together : any),
        target({1, weight.size(0), height, width}, to, int8 ? together : any),
        weights({weight.size(0), weight.size(1), weight.size(2), weight.size(3)}, int8 ? memory::data_type::s8 : from,
                any),
        bias({weight.size(0)}, memory::data_type::f32, memory::format_tag::x);
    const memory::dims before{weight.size(2) / 2, weight.size(3) / 2};
    dnnl::post_ops ops;
    ops.append_eltwise(1, dnnl::algorithm::eltwise_relu, 0.1F, 0);
    dnnl::primitive_attr attributes;
    attributes.set_post_ops(ops);
    if (int8) {
      const std::vector<float> scales(static_cast<std::size_t>(weight.size(0)), 0.01F);
      attributes.set_output_scales(1 << 1, scales);
    }
    const dnnl::convolution_forward::primitive_desc chosen({dnnl::prop_kind::forward_inference,
                                                            dnnl::algorithm::convolution_direct,
                                                            source,
                                                            weights,
                                                            bias,
                                                            target,
                                                            {1, 1},
                                                            before,
                                                            before},
                                                           attributes, engine);
    steps.push_back({dnnl::convolution_forward(chosen),
                     {{DNNL_ARG_SRC, memory(chosen.src_desc(), engine)},
                      {DNNL_ARG_WEIGHTS, memory(chosen.weights_desc(), engine)},
                      {DNNL_ARG_BIAS, memory(chosen.bias_desc(), engine)},
                      {DNNL_ARG_DST, memory(chosen.dst_desc(), engine)}}});
  }
  void run() {
    for (auto& step : steps) step.primitive.execute(stream, step.arguments);
    stream.wait();
  }
};

}  // namespace

std::function<void()> bare_convolutions(const std::vector<at::Tensor>& weights, int height, int width,
                                        BareElement low) {
  const auto bare = std::make_shared<Bare>();
  const auto wide =
      low == BareElement::fp32 || !cpu_has(Isa::avx512_bf16) ? memory::data_type::f32 : memory::data_type::bf16;
  const auto narrow = low == BareElement::int8 ? memory::data_type::u8 : wide;
  for (std::size_t i = 0; i < weights.size(); ++i) {
    const bool inner = i > 0 && i + 1 < weights.size();
    bare->add(weights[i], height, width, inner ? narrow : wide, inner ? narrow : wide);
  }
  return [bare] { bare->run(); };
}

}  // namespace ganvas
