// SPDX-License-Identifier: Apache-2.0
#include "detent/testing/samples/run_command.h"

#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <fstream>

#include "absl/strings/str_cat.h"

namespace detent_testing {

CommandOutput RunCommand(const std::string& command) {
  std::string all = "env";
  for (const char* variable :
       {"TEST_TARGET", "TEST_PREMATURE_EXIT_FILE", "TEST_RUN_NUMBER", "TEST_RANDOM_SEED", "TEST_UNDECLARED_OUTPUTS_DIR",
        "TESTBRIDGE_TEST_ONLY", "GTEST_OUTPUT", "XML_OUTPUT_FILE"}) {
    absl::StrAppend(&all, " -u ", variable);
  }
  std::FILE* const pipe = popen(absl::StrCat(all, " ", command, " 2>&1").c_str(), "r");
  std::string text;
  std::array<char, 4096> buffer;
  while (const size_t n = std::fread(buffer.data(), 1, buffer.size(), pipe)) text.append(buffer.data(), n);
  const int status = pclose(pipe);
  return CommandOutput(WIFEXITED(status) ? WEXITSTATUS(status) : -1, text);
}

std::string SampleProgram(const std::string& name) {
  const char* folder = std::getenv("TEST_SRCDIR");
  const char* workspace = std::getenv("TEST_WORKSPACE");
  if (folder == nullptr || workspace == nullptr) return absl::StrCat("./", name);
  return absl::StrCat(folder, "/", workspace, "/testing/samples/", name);
}

std::string WordIn(const std::string& text, const std::string& prefix) {
  const size_t at = text.find(prefix);
  return at == std::string::npos ? std::string() : text.substr(at, text.find_first_of(" \n", at) - at);
}

size_t CountIn(const std::string& text, const std::string& what) {
  size_t count = 0;
  for (size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + 1)) ++count;
  return count;
}

std::string FreshFile(const std::string& name) {
  const char* folder = std::getenv("TEST_TMPDIR");
  const std::string file = absl::StrCat(folder == nullptr ? "/tmp" : folder, "/detent_", getpid(), "_", name);
  unlink(file.c_str());
  return file;
}

std::vector<std::string> TakeSortedLines(const std::string& file) {
  std::vector<std::string> lines;
  std::ifstream stream(file);
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  std::sort(lines.begin(), lines.end());
  unlink(file.c_str());
  return lines;
}

}  // namespace detent_testing
