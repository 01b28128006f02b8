// SPDX-License-Identifier: Apache-2.0
//
// DrawLanes(): a piece of a history for a person, one operation a line, time going right.
//
//   #4  client 1  put x = 3   [=====]
//   #5  client 2  get x: 3       [====]
//   #6  client 1  get x: 1  >      [====]
#ifndef DETENT_TESTING_HISTORY_LANES_H_
#define DETENT_TESTING_HISTORY_LANES_H_

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "detent/testing/history/frontier.h"

namespace detent_testing::internal {

class Lane {
 public:
  Lane(size_t its_number, Span its_span, std::string its_text)
      : number(its_number), span(its_span), text(std::move(its_text)) {}

  size_t number;
  Span span;
  std::string text;  // What was asked, and what came of it.
};

// `marked` is the number of the one of which the text speaks. Lanes that ended long before it are left out, and said to
// be. A line begins with two spaces and ends with a line break.
std::string DrawLanes(const std::vector<Lane>& lanes, size_t marked);

}  // namespace detent_testing::internal

#endif  // DETENT_TESTING_HISTORY_LANES_H_
