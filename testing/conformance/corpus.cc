// SPDX-License-Identifier: Apache-2.0
#include "detent/testing/conformance/corpus.h"

#include <fstream>
#include <stdexcept>
#include <string_view>

#include "absl/strings/str_cat.h"

namespace detent_testing::conformance {

std::vector<CorpusEntry> ReadCorpus(const std::string& file) {
  constexpr std::string_view kHead = "program ";
  std::ifstream in(file, std::ios::binary);
  if (!in) throw std::runtime_error(absl::StrCat("the corpus ", file, " cannot be opened"));
  std::vector<CorpusEntry> entries;
  std::string line;
  while (std::getline(in, line)) {
    if (line.starts_with(kHead)) {
      CorpusEntry& entry = entries.emplace_back();
      entry.name = line.substr(kHead.size());
      std::getline(in, entry.program);
    } else if (!entries.empty()) {
      entries.back().trace.append(line).append("\n");
    }
  }
  if (entries.empty()) throw std::runtime_error(absl::StrCat("the corpus ", file, " holds no program"));
  return entries;
}

}  // namespace detent_testing::conformance
