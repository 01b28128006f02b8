// SPDX-License-Identifier: Apache-2.0
//
// Standard input, whatever it is, line by line in capitals to standard output. It does not disturb who shares either.
//
//   $ printf 'one\ntwo\n' | shout
//   ONE
//   TWO
#include <cctype>
#include <cstdio>
#include <string>

#include "detent/runtime/runtime.h"

namespace {

using detent::Connection;
using detent::Coro;

Coro<> Main() {
  Connection input = detent::StandardInput();
  while (true) {
    std::string line = co_await input.ReadLine();
    if (line.empty()) co_return;
    for (char& letter : line) letter = static_cast<char>(std::toupper(static_cast<unsigned char>(letter)));
    std::fputs(line.c_str(), stdout);
    std::fflush(stdout);
  }
}

}  // namespace

int main() { detent::Run(Main()); }
