// SPDX-License-Identifier: Apache-2.0
//
// kIsCopyable<T>: whether a T can really be copied. std::is_copy_constructible believes the declaration of a
// container's copy constructor, which does not compile for a std::vector<std::unique_ptr<int>>.
#ifndef DETENT_RUNTIME_INTERNAL_COPYABLE_H_
#define DETENT_RUNTIME_INTERNAL_COPYABLE_H_

#include <optional>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>

namespace detent::internal {

template <typename T>
struct IsCopyable : std::is_copy_constructible<T> {};

template <typename T>
inline constexpr bool kIsCopyable = IsCopyable<T>::value;

// A container that owns its elements.
template <typename T>
  requires requires(T& container) {
    typename T::value_type;
    typename T::allocator_type;
    container.begin();
  } && (!std::is_same_v<typename T::value_type, T>)
struct IsCopyable<T> : std::bool_constant<std::is_copy_constructible_v<T> && kIsCopyable<typename T::value_type>> {};

template <typename... T>
struct IsCopyable<std::tuple<T...>> : std::bool_constant<(kIsCopyable<T> && ...)> {};
template <typename... T>
struct IsCopyable<std::variant<T...>> : std::bool_constant<(kIsCopyable<T> && ...)> {};
template <typename A, typename B>
struct IsCopyable<std::pair<A, B>> : std::bool_constant<kIsCopyable<A> && kIsCopyable<B>> {};
template <typename T>
struct IsCopyable<std::optional<T>> : IsCopyable<T> {};

}  // namespace detent::internal

#endif  // DETENT_RUNTIME_INTERNAL_COPYABLE_H_
