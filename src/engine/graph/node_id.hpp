#pragma once

#include <compare>
#include <cstddef>
#include <utility>
#include <vector>

namespace ganvas::engine {

/// A node's place in its graph. Nodes come behind those that they read; the first one is the input.
class NodeId {
 public:
  constexpr NodeId() = default;
  explicit constexpr NodeId(std::size_t index) : index_(index) {}
  constexpr std::size_t index() const { return index_; }
  constexpr auto operator<=>(const NodeId&) const = default;

 private:
  std::size_t index_ = 0;
};

/// Ids in order, for loops.
class NodeIds {
 public:
  class Iterator {
   public:
    constexpr Iterator(std::size_t index, std::ptrdiff_t step) : index_(index), step_(step) {}
    constexpr NodeId operator*() const { return NodeId(index_); }
    constexpr Iterator& operator++() {
      index_ += static_cast<std::size_t>(step_);
      return *this;
    }
    constexpr bool operator==(const Iterator& other) const { return index_ == other.index_; }

   private:
    std::size_t index_;
    std::ptrdiff_t step_;
  };

  /// first .. end - 1
  constexpr NodeIds(std::size_t first, std::size_t end) : begin_(first, 1), end_(end, 1) {}
  /// end - 1 .. first
  static constexpr NodeIds backwards(std::size_t first, std::size_t end) {
    NodeIds ids(first, end);
    ids.begin_ = Iterator(end - 1, -1);  // one before 0 is the largest number, and the other way round
    ids.end_ = Iterator(first - 1, -1);
    return ids;
  }
  constexpr Iterator begin() const { return begin_; }
  constexpr Iterator end() const { return end_; }

 private:
  Iterator begin_, end_;
};

/// One value a node.
template <typename T>
class PerNode {
 public:
  using Reference = typename std::vector<T>::reference;
  using ConstReference = typename std::vector<T>::const_reference;

  PerNode() = default;
  explicit PerNode(std::size_t count) : values_(count) {}
  PerNode(std::size_t count, const T& value) : values_(count, value) {}

  Reference operator[](NodeId id) { return values_[id.index()]; }
  ConstReference operator[](NodeId id) const { return values_[id.index()]; }
  Reference back() { return values_.back(); }
  ConstReference back() const { return values_.back(); }
  void push_back(T value) { values_.push_back(std::move(value)); }

  std::size_t size() const { return values_.size(); }
  NodeIds ids() const { return {0, values_.size()}; }
  NodeIds ids_backwards() const { return NodeIds::backwards(0, values_.size()); }
  auto begin() { return values_.begin(); }
  auto end() { return values_.end(); }
  auto begin() const { return values_.begin(); }
  auto end() const { return values_.end(); }

 private:
  std::vector<T> values_;
};

}  // namespace ganvas::engine
