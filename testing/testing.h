// SPDX-License-Identifier: Apache-2.0
//
// All of testing/.
#ifndef DETENT_TESTING_TESTING_H_
#define DETENT_TESTING_TESTING_H_

#include "detent/testing/co_assert.h"
#include "detent/testing/explore.h"
#include "detent/testing/options.h"
#include "detent/testing/properties.h"
#include "detent/testing/test_macros.h"

#endif  // DETENT_TESTING_TESTING_H_
