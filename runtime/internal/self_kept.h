// SPDX-License-Identifier: Apache-2.0
//
// SelfKept: something that keeps itself alive while it watches futures (a gather, a shield, a done-callback), because
// nobody else need hold it. The futures that it watches may never be done: the end of the loop lets go of those that are left.
#ifndef DETENT_RUNTIME_INTERNAL_SELF_KEPT_H_
#define DETENT_RUNTIME_INTERNAL_SELF_KEPT_H_

namespace detent::internal {

class SelfKept {
 public:
  SelfKept(const SelfKept&) = delete;
  SelfKept& operator=(const SelfKept&) = delete;

  // The loop ends: stop watching, and drop the reference to oneself.
  virtual void LetGo() = 0;

 protected:
  SelfKept() {}
  ~SelfKept() = default;

 private:
  friend class SelfKeptList;
  SelfKept* previous_ = nullptr;
  SelfKept* next_ = nullptr;
};

class SelfKeptList {
 public:
  SelfKeptList() {}

  bool empty() const { return first_ == nullptr; }
  void Add(SelfKept* kept) {
    kept->next_ = first_;
    if (first_ != nullptr) first_->previous_ = kept;
    first_ = kept;
  }
  void Remove(SelfKept* kept) {
    (kept->previous_ == nullptr ? first_ : kept->previous_->next_) = kept->next_;
    if (kept->next_ != nullptr) kept->next_->previous_ = kept->previous_;
    kept->previous_ = kept->next_ = nullptr;
  }
  void LetAllGo() {
    while (SelfKept* kept = first_) {
      Remove(kept);
      kept->LetGo();
    }
  }

 private:
  SelfKept* first_ = nullptr;
};

}  // namespace detent::internal

#endif  // DETENT_RUNTIME_INTERNAL_SELF_KEPT_H_
