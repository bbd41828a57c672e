#include "nn/memory_limit.hpp"

#include <c10/core/Allocator.h>
#include <c10/core/CPUAllocator.h>
#include <c10/util/Exception.h>

#include <atomic>
#include <memory>
#include <new>

namespace ganvas {

namespace {

/// Shared with the blocks, which may outlive the limit and be freed by other threads.
struct Account {
  std::atomic<std::ptrdiff_t> left;
  bool reached = false;
};
using LimitAccount = std::shared_ptr<Account>;
thread_local LimitAccount limit_account;

/// Stands before the data of each block, which are found by their address alone (LibTorch's raw_deallocate).
struct BlockHeader {
  c10::DataPtr block;
  std::size_t size;
  LimitAccount account;  ///< nullptr where none was set
};
constexpr std::size_t header_room = 64;  // keeps the data aligned as LibTorch wants them
static_assert(sizeof(BlockHeader) <= header_room);

void free_counted(void* data) {
  if (!data) return;
  auto* const header = reinterpret_cast<BlockHeader*>(static_cast<char*>(data) - header_room);
  if (header->account) header->account->left += static_cast<std::ptrdiff_t>(header->size);
  const c10::DataPtr block = std::move(header->block);
  header->~BlockHeader();
}

/// LibTorch's allocator, which counts where a limit is set.
class CountingAllocator final : public c10::Allocator {
 public:
  explicit CountingAllocator(c10::Allocator* inner) : inner_(inner) {}

  c10::DataPtr allocate(std::size_t size) const override {
    const LimitAccount account = limit_account;
    const auto wanted = static_cast<std::ptrdiff_t>(size);
    // Negative: sizes beyond any machine.
    TORCH_CHECK(wanted >= 0 && size + header_room > size, "more memory than any machine has");
    if (account && account->left.fetch_sub(wanted) < wanted) {
      account->left += wanted;
      account->reached = true;
      TORCH_CHECK(false, "more memory than it may take");
    }
    c10::DataPtr block = inner_->allocate(size + header_room);
    const c10::Device device = block.device();
    void* const base = block.get();
    new (base) BlockHeader{std::move(block), size, account};
    void* const data = static_cast<char*>(base) + header_room;
    return {data, data, &free_counted, device};
  }
  c10::DeleterFnPtr raw_deleter() const override { return &free_counted; }

 private:
  c10::Allocator* inner_;
};

void install_counting() {
  static CountingAllocator* const installed = [] {
    auto* allocator = new CountingAllocator(c10::GetAllocator(c10::kCPU));  // lives as long as the last tensor
    c10::SetAllocator(c10::kCPU, allocator, /*priority=*/1);
    return allocator;
  }();
  (void)installed;
}

}  // namespace

TensorMemoryLimit::TensorMemoryLimit(std::size_t bytes) : outer_(new LimitAccount(limit_account)) {
  install_counting();
  limit_account = std::make_shared<Account>();
  limit_account->left = static_cast<std::ptrdiff_t>(bytes);
  reached_ = std::shared_ptr<const bool>(limit_account, &limit_account->reached);
}

TensorMemoryLimit::~TensorMemoryLimit() {
  const std::unique_ptr<LimitAccount> outer(static_cast<LimitAccount*>(outer_));
  limit_account = *outer;
}

}  // namespace ganvas
