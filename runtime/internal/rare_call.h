// SPDX-License-Identifier: Apache-2.0
//
// DETENT_INTERNAL_RARE: of a function that a hot path calls hardly ever. It is not inlined, and with clang its callee
// saves nearly all registers, so that the hot path has none to save. Not for functions that throw: the unwinder does not
// bring all of those registers back.
#ifndef DETENT_RUNTIME_INTERNAL_RARE_CALL_H_
#define DETENT_RUNTIME_INTERNAL_RARE_CALL_H_

#if defined(__clang__) && defined(__x86_64__)
#define DETENT_INTERNAL_RARE [[gnu::noinline, gnu::cold, clang::preserve_most]]
#else
#define DETENT_INTERNAL_RARE [[gnu::noinline, gnu::cold]]
#endif

#endif  // DETENT_RUNTIME_INTERNAL_RARE_CALL_H_
