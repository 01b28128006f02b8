// SPDX-License-Identifier: Apache-2.0
#include "detent/testing/conformance/errors.h"

#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "detent/runtime/errors.h"
#include "detent/runtime/io/read_errors.h"

namespace detent_testing::conformance {

std::string Quoted(const std::string& bytes) {
  return absl::StrCat("\"", absl::StrReplaceAll(bytes, {{"\n", "\\n"}}), "\"");
}

std::string NameOfError(const std::exception_ptr& error, std::string_view invalid_state) {
  try {
    std::rethrow_exception(error);
  } catch (const ProgramError& e) {
    return e.name();
  } catch (const detent::CancelledError&) {
    return "Cancelled";
  } catch (const detent::ExceptionGroup& group) {
    std::vector<std::string> names;
    for (const std::exception_ptr& member : group.Exceptions()) names.push_back(NameOfError(member));
    return absl::StrCat("Group(", absl::StrJoin(names, ","), ")");
  } catch (const detent::TimeoutError&) {
    return "Timeout";
  } catch (const detent::QueueEmpty&) {
    return "QueueEmpty";
  } catch (const detent::QueueFull&) {
    return "QueueFull";
  } catch (const detent::QueueShutDown&) {
    return "QueueShutDown";
  } catch (const detent::BrokenBarrierError&) {
    return "BrokenBarrier";
  } catch (const detent::IncompleteReadError& e) {
    return absl::StrCat("Incomplete ", Quoted(e.partial()));
  } catch (const detent::LimitOverrunError&) {
    return "LimitOverrun";
  } catch (const detent::InvalidStateError&) {
    return std::string(invalid_state);
  } catch (const std::exception& e) {
    return absl::StrCat("Other:", e.what());
  } catch (...) {
    return "Other";
  }
}

}  // namespace detent_testing::conformance
