// SPDX-License-Identifier: Apache-2.0
//
// Source locations as reports show them.
#ifndef DETENT_RUNTIME_INTERNAL_SOURCE_TEXT_H_
#define DETENT_RUNTIME_INTERNAL_SOURCE_TEXT_H_

#include <source_location>
#include <string>

namespace detent::internal {

// `bank.cc:41`: the file's last component and the line; "an unknown place" without a line.
std::string SourceText(const std::source_location& where);

// Whether the location lies in the library's own code, which reports skip.
bool IsOurs(const std::source_location& where);

}  // namespace detent::internal

#endif  // DETENT_RUNTIME_INTERNAL_SOURCE_TEXT_H_
