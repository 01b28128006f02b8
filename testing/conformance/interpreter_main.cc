// SPDX-License-Identifier: Apache-2.0
//
// Runs programs of the oracle's format and prints their traces.
//
//   interpreter PROGRAM.json...          the traces, one after the other, on standard output
//   interpreter --batch IN OUT           each IN/x.json becomes OUT/x.trace
#include <exception>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "detent/testing/conformance/interpreter.h"
#include "detent/testing/conformance/program.h"

namespace {

namespace fs = std::filesystem;

std::string TraceOf(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  if (!in) throw std::runtime_error("cannot be opened");
  const std::string text{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
  return detent_testing::conformance::RunSimulated(detent_testing::conformance::ParseProgram(text));
}

// Whether all went well; says on standard error what did not.
template <typename Print>
bool Interpret(const fs::path& file, Print print) {
  try {
    print(TraceOf(file));
    return true;
  } catch (const std::exception& error) {
    std::cerr << file.string() << ": " << error.what() << "\n";
    return false;
  }
}

bool InterpretFolder(const fs::path& in, const fs::path& out) {
  fs::create_directories(out);
  bool ok = true;
  for (const fs::directory_entry& entry : fs::directory_iterator(in)) {
    if (entry.path().extension() != ".json") continue;
    fs::path trace_file = out / entry.path().stem();
    trace_file += ".trace";
    ok &= Interpret(entry.path(),
                    [&](const std::string& trace) { std::ofstream(trace_file, std::ios::binary) << trace; });
  }
  return ok;
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string_view> arguments(argv + 1, argv + argc);
  if (arguments.size() == 3 && arguments[0] == "--batch") {
    return InterpretFolder(arguments[1], arguments[2]) ? 0 : 1;
  }
  if (arguments.empty() || arguments[0].starts_with("-")) {
    std::cerr << "usage: interpreter PROGRAM.json... | interpreter --batch IN OUT\n";
    return 2;
  }
  bool ok = true;
  for (const std::string_view file : arguments) {
    ok &= Interpret(file, [](const std::string& trace) { std::cout << trace; });
  }
  return ok ? 0 : 1;
}
