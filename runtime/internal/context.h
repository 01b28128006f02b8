// SPDX-License-Identifier: Apache-2.0
//
// Context: what a task hands on to those that it makes: the values of its context variables, and its home. Contexts are
// shared until one of the sharers sets something, which copies.
#ifndef DETENT_RUNTIME_INTERNAL_CONTEXT_H_
#define DETENT_RUNTIME_INTERNAL_CONTEXT_H_

#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

namespace detent::internal {

class Home;

class Context {
 public:
  struct Binding {
    uint64_t variable;
    std::shared_ptr<const void> value;
  };

  const void* Find(uint64_t variable) const {
    for (const Binding& binding : bindings_) {
      if (binding.variable == variable) return binding.value.get();
    }
    return nullptr;
  }
  void Set(uint64_t variable, std::shared_ptr<const void> value) {
    for (Binding& binding : bindings_) {
      if (binding.variable == variable) {
        binding.value = std::move(value);
        return;
      }
    }
    bindings_.push_back(Binding{variable, std::move(value)});
  }

 private:
  friend class ContextRef;
  std::vector<Binding> bindings_;
  const Home* home_ = nullptr;
  uint64_t references_ = 1;
};

// A counted reference; null is the empty context. Belongs to one thread.
class ContextRef {
 public:
  ContextRef() {}
  ContextRef(const ContextRef& other) : context_(other.context_) {
    if (context_ != nullptr) ++context_->references_;
  }
  ContextRef(ContextRef&& other) noexcept : context_(std::exchange(other.context_, nullptr)) {}
  ContextRef& operator=(ContextRef other) noexcept {
    std::swap(context_, other.context_);
    return *this;
  }
  ~ContextRef() {
    if (context_ != nullptr) [[unlikely]]
      Drop();
  }

  bool IsEmpty() const { return context_ == nullptr; }
  const void* Find(uint64_t variable) const { return context_ == nullptr ? nullptr : context_->Find(variable); }
  void Set(uint64_t variable, std::shared_ptr<const void> value) { Own().Set(variable, std::move(value)); }
  // Null for the core's own.
  const Home* home() const { return context_ == nullptr ? nullptr : context_->home_; }
  void SetHome(const Home* home) { Own().home_ = home; }

 private:
  // The context, no longer shared.
  Context& Own() {
    if (context_ == nullptr) {
      context_ = new Context;
    } else if (context_->references_ > 1) {
      auto* copy = new Context(*context_);
      copy->references_ = 1;
      --context_->references_;
      context_ = copy;
    }
    return *context_;
  }
  [[gnu::noinline]] void Drop() {
    if (--context_->references_ == 0) delete context_;
  }

  Context* context_ = nullptr;
};

}  // namespace detent::internal

#endif  // DETENT_RUNTIME_INTERNAL_CONTEXT_H_
