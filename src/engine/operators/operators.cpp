#include "engine/operators/operators.hpp"

#include <algorithm>
#include <iterator>

namespace ganvas::engine {

namespace {

/// What every operator's list holds, in the order of the variant.
template <typename Item, typename List, typename... Each>
std::vector<Item> collected(const std::variant<Each...>*, List list) {
  std::vector<Item> all;
  const auto append = [&all](std::vector<Item> some) {
    all.insert(all.end(), std::make_move_iterator(some.begin()), std::make_move_iterator(some.end()));
  };
  (append(list(static_cast<const Each*>(nullptr))), ...);
  return all;
}

}  // namespace

bool Operator::takes(std::span<const Size> inputs, Size) const {
  return std::ranges::all_of(inputs, [&](const Size& input) { return input == inputs[0]; });
}

const Operator& common_part(const AnyOperator& op) {
  return std::visit([](const auto& one) -> const Operator& { return one; }, op);
}

std::vector<Traced> all_traced() {
  return collected<Traced>(static_cast<const AnyOperator*>(nullptr),
                           []<typename One>(const One*) { return One::traced(); });
}

std::vector<Example> all_examples() {
  return collected<Example>(static_cast<const AnyOperator*>(nullptr),
                            []<typename One>(const One*) { return One::examples(); });
}

}  // namespace ganvas::engine
