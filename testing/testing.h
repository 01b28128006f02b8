// SPDX-License-Identifier: Apache-2.0
//
// All of testing/ and testing/history/.
#ifndef DETENT_TESTING_TESTING_H_
#define DETENT_TESTING_TESTING_H_

#include "detent/testing/cancel_everywhere.h"
#include "detent/testing/co_assert.h"
#include "detent/testing/explore.h"
#include "detent/testing/history/append_register.h"
#include "detent/testing/history/history.h"
#include "detent/testing/history/transactions.h"
#include "detent/testing/options.h"
#include "detent/testing/properties.h"
#include "detent/testing/test_directory.h"
#include "detent/testing/test_macros.h"

#endif  // DETENT_TESTING_TESTING_H_
