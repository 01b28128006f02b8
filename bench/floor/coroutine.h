// SPDX-License-Identifier: Apache-2.0
//
// The floor's coroutines: lazy, frames from free lists, an intrusive run queue. Nothing else: no cancellation, no
// reports, no locations, no handles that are counted; a join resumes the waiting parent inline. It is for one thread.
#ifndef DETENT_BENCH_FLOOR_COROUTINE_H_
#define DETENT_BENCH_FLOOR_COROUTINE_H_

#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <new>
#include <utility>

namespace detent_bench::floor {

// --- Frames ---

struct FreeBlock {
  FreeBlock* next;
};
inline constexpr size_t kGranule = 16;
inline constexpr size_t kClasses = 64;
inline constinit FreeBlock* free_lists[kClasses] = {};

inline void* Allocate(size_t size) {
  const size_t size_class = (size + kGranule - 1) / kGranule;
  if (size_class >= kClasses) [[unlikely]]
    return ::operator new(size);
  FreeBlock* block = free_lists[size_class];
  if (block != nullptr) [[likely]] {
    free_lists[size_class] = block->next;
    return block;
  }
  constexpr size_t kAtOnce = 64 * 1024;
  const size_t each = size_class * kGranule;
  char* memory = static_cast<char*>(::operator new(kAtOnce));
  for (size_t offset = each; offset + each <= kAtOnce; offset += each) {
    free_lists[size_class] = ::new (memory + offset) FreeBlock{free_lists[size_class]};
  }
  return memory;
}
inline void Free(void* memory, size_t size) noexcept {
  const size_t size_class = (size + kGranule - 1) / kGranule;
  if (size_class >= kClasses) [[unlikely]]
    return ::operator delete(memory);
  free_lists[size_class] = ::new (memory) FreeBlock{free_lists[size_class]};
}

// --- The run queue ---

class Node {
 public:
  Node() {}
  Node* next;
  std::coroutine_handle<> handle;
};

class RunQueue {
 public:
  bool empty() const { return head_ == nullptr; }
  void Push(Node* node) {
    node->next = nullptr;
    *tail_ = node;
    tail_ = &node->next;
  }
  Node* Pop() {
    Node* node = head_;
    head_ = node->next;
    if (head_ == nullptr) tail_ = &head_;
    return node;
  }
  void RunAll() {
    while (head_ != nullptr) Pop()->handle.resume();
  }

 private:
  Node* head_ = nullptr;
  Node** tail_ = &head_;
};

inline constinit RunQueue run_queue;

class Yield {
 public:
  Yield() {}
  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> handle) noexcept {
    node_.handle = handle;
    run_queue.Push(&node_);
  }
  void await_resume() const noexcept {}

 private:
  Node node_;
};

// --- Coroutines ---

// Counts down the children of one parent, which goes on when the last has ended.
class Join {
 public:
  explicit Join(uint64_t children) : left(children) {}
  uint64_t left;
  std::coroutine_handle<> parent;

  // An object of its own: g++ 12 copies an awaiter that is a reference parameter.
  class Awaiter {
   public:
    explicit Awaiter(Join& join) : join_(join) {}
    bool await_ready() const noexcept { return join_.left == 0; }
    void await_suspend(std::coroutine_handle<> handle) noexcept { join_.parent = handle; }
    void await_resume() const noexcept {}

   private:
    Join& join_;
  };
  Awaiter operator co_await() { return Awaiter(*this); }
};

class [[nodiscard]] Coro {
 public:
  class promise_type {
   public:
    static void* operator new(size_t size) { return Allocate(size); }
    static void operator delete(void* memory, size_t size) noexcept { Free(memory, size); }

    class Final {
     public:
      Final() noexcept {}
      bool await_ready() const noexcept { return false; }
      std::coroutine_handle<> await_suspend(std::coroutine_handle<promise_type> handle) const noexcept {
        promise_type& promise = handle.promise();
        promise.done = true;
        if (promise.join != nullptr && --promise.join->left == 0 && promise.join->parent) return promise.join->parent;
        return promise.continuation;
      }
      void await_resume() const noexcept {}
    };

    Coro get_return_object() { return Coro(std::coroutine_handle<promise_type>::from_promise(*this)); }
    std::suspend_always initial_suspend() const noexcept { return {}; }
    Final final_suspend() const noexcept { return Final(); }
    void return_value(uint64_t the_value) noexcept { value = the_value; }
    void unhandled_exception() noexcept { failed = true; }

    std::coroutine_handle<> continuation = std::noop_coroutine();
    Join* join = nullptr;
    Node node;
    uint64_t value = 0;
    bool done = false;
    bool failed = false;
  };

  Coro() {}
  explicit Coro(std::coroutine_handle<promise_type> frame) : frame_(frame) {}
  Coro(Coro&& other) noexcept : frame_(std::exchange(other.frame_, nullptr)) {}
  Coro& operator=(Coro&& other) noexcept {
    std::swap(frame_, other.frame_);
    return *this;
  }
  ~Coro() {
    if (frame_) frame_.destroy();
  }

  // Puts it into the run queue.
  void Start(Join* join = nullptr) {
    promise_type& promise = frame_.promise();
    promise.join = join;
    promise.node.handle = frame_;
    run_queue.Push(&promise.node);
  }
  uint64_t value() const { return frame_.promise().value; }
  bool done() const { return frame_.promise().done; }
  bool failed() const { return frame_.promise().failed; }

  // Runs it inside whoever awaits it.
  class InlineAwait {
   public:
    explicit InlineAwait(std::coroutine_handle<promise_type> child) : child_(child) {}
    bool await_ready() const noexcept { return false; }
    std::coroutine_handle<> await_suspend(std::coroutine_handle<> parent) noexcept {
      child_.promise().continuation = parent;
      return child_;
    }
    uint64_t await_resume() const noexcept {
      const uint64_t value = child_.promise().value;
      child_.destroy();
      return value;
    }

   private:
    std::coroutine_handle<promise_type> child_;
  };
  InlineAwait operator co_await() && { return InlineAwait(std::exchange(frame_, nullptr)); }

  // Waits until it has ended, after Start().
  class EndAwait {
   public:
    explicit EndAwait(std::coroutine_handle<promise_type> task) : task_(task) {}
    bool await_ready() const noexcept { return task_.promise().done; }
    void await_suspend(std::coroutine_handle<> parent) noexcept { task_.promise().continuation = parent; }
    uint64_t await_resume() const noexcept { return task_.promise().value; }

   private:
    std::coroutine_handle<promise_type> task_;
  };
  EndAwait End() const { return EndAwait(frame_); }

 private:
  std::coroutine_handle<promise_type> frame_;
};

// Runs `main` and everything it starts; gives its value.
inline uint64_t Run(Coro main) {
  main.Start();
  run_queue.RunAll();
  return main.value();
}

}  // namespace detent_bench::floor

#endif  // DETENT_BENCH_FLOOR_COROUTINE_H_
