// SPDX-License-Identifier: Apache-2.0
#include "detent/runtime/errors.h"

#include <cxxabi.h>

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <typeinfo>

#include "absl/strings/str_cat.h"

namespace detent {
namespace {

// Of the text of a group: what is shared or nested could make it as long as one likes.
constexpr size_t kTextMax = 1'000'000;

std::string TypeName(const std::type_info* type) {
  if (type == nullptr) return "an exception of unknown type";
  int status = 0;
  std::unique_ptr<char, void (*)(void*)> name(abi::__cxa_demangle(type->name(), nullptr, nullptr, &status), std::free);
  return absl::StrCat("an exception of type ", name ? name.get() : type->name());
}

// A group and its text so far are walked with a stack of our own: groups may be nested deeply.
std::string Summary(const ExceptionGroup& all) {
  class Place {
   public:
    explicit Place(const ExceptionGroup& its_group) : group(&its_group) {}
    const ExceptionGroup* group;
    size_t next = 0;
  };
  const auto begin = [](const ExceptionGroup& group) {
    const size_t tasks = group.Exceptions().size() - (group.BodyFailed() ? 1 : 0);
    if (tasks == 0 && group.BodyFailed()) return std::string("the body of a group failed");
    return absl::StrCat(tasks, tasks == 1 ? " task" : " tasks", " of a group",
                        group.BodyFailed() ? " and its body failed" : " failed");
  };
  std::string text = begin(all);
  std::vector<Place> stack{Place(all)};
  while (!stack.empty()) {
    Place& top = stack.back();
    if (top.next == top.group->Exceptions().size()) {
      stack.pop_back();
      continue;
    }
    if (text.size() > kTextMax) return text + "; and more";
    text += top.next == 0 ? ": " : "; ";
    const std::exception_ptr& error = top.group->Exceptions()[top.next++];
    if (const ExceptionGroup* const group = internal::GroupIn(error)) {
      text += begin(*group);
      stack.push_back(Place(*group));
    } else {
      text += internal::DescribeException(error);
    }
  }
  return text;
}

}  // namespace

class ExceptionGroup::Contents {
 public:
  Contents(std::vector<std::exception_ptr> its_exceptions, bool is_bodys)
      : exceptions(std::move(its_exceptions)), body_failed(is_bodys && !exceptions.empty()) {
    has_groups = std::any_of(exceptions.begin(), exceptions.end(),
                             [](const std::exception_ptr& error) { return internal::GroupIn(error) != nullptr; });
  }

  std::vector<std::exception_ptr> exceptions;
  bool body_failed;  // The last of them is the body's.
  bool has_groups;
  std::once_flag text_is_made;  // On whichever thread asks first.
  std::string text;
};

ExceptionGroup::ExceptionGroup(std::vector<std::exception_ptr> exceptions, Last last)
    : std::runtime_error("errors of a group"),
      contents_(std::make_shared<Contents>(std::move(exceptions), last == Last::kOfTheBody)) {}

// Groups may be nested deeply: they are taken apart here, one after the other, and not by a recursion.
ExceptionGroup::~ExceptionGroup() {
  std::vector<std::shared_ptr<Contents>> left;
  for (std::shared_ptr<Contents> contents = std::move(contents_); contents != nullptr;) {
    if (contents->has_groups && contents.use_count() == 1) {
      for (const std::exception_ptr& error : contents->exceptions) {
        if (const ExceptionGroup* const group = internal::GroupIn(error)) left.push_back(group->contents_);
      }
    }
    contents = nullptr;
    if (left.empty()) return;
    contents = std::move(left.back());
    left.pop_back();
  }
}

const std::vector<std::exception_ptr>& ExceptionGroup::Exceptions() const { return contents_->exceptions; }

bool ExceptionGroup::BodyFailed() const { return contents_->body_failed; }

const char* ExceptionGroup::what() const noexcept {
  try {
    std::call_once(contents_->text_is_made, [this] { contents_->text = Summary(*this); });
    return contents_->text.c_str();
  } catch (...) {
    return std::runtime_error::what();
  }
}

namespace internal {

const ExceptionGroup* GroupIn(const std::exception_ptr& error) {
  if (error == nullptr) return nullptr;
  try {
    std::rethrow_exception(error);
  } catch (const ExceptionGroup& group) {
    return &group;
  } catch (...) {
    return nullptr;
  }
}

std::string DescribeException(const std::exception_ptr& error) {
  if (error == nullptr) return "no exception";
  try {
    std::rethrow_exception(error);
  } catch (const std::exception& e) {
    return e.what();
  } catch (const CancelledError&) {
    return "cancelled";
  } catch (const std::string& text) {
    return text;
  } catch (const char* text) {
    return text;
  } catch (...) {
    return TypeName(abi::__cxa_current_exception_type());
  }
}

}  // namespace internal
}  // namespace detent
