// SPDX-License-Identifier: Apache-2.0
#include "detent/runtime/internal/wait_text.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "detent/runtime/internal/wait_object.h"

namespace detent::internal {
namespace {

void AppendWord(std::string& text, std::string_view word) {
  if (word.empty()) return;
  if (!text.empty()) text.push_back(' ');
  text += word;
}

std::string Quoted(std::string_view name) { return absl::StrCat("\"", std::string(name), "\""); }

}  // namespace

void WaitText::SetCall(std::string_view its_type, std::string_view its_verb, const NamedObject& its_object) {
  type = its_type;
  verb = its_verb;
  preposition = "on";
  is_named = !its_object.name().empty();
  object = is_named ? its_object.name() : its_object.Quoted(its_type);
}

void WaitText::SetCallOnGone(std::string_view its_type, std::string_view its_verb, std::string_view name) {
  type = its_type;
  verb = its_verb;
  preposition = "on";
  object = absl::StrCat(std::string(name), ", which is gone");
}

std::string WaitText::Sentence() const {
  std::string text;
  if (!type.empty()) text = absl::StrCat(std::string(type), "::");
  text += verb;
  AppendWord(text, preposition);
  AppendWord(text, noun);
  AppendWord(text, is_named ? Quoted(object) : object);
  if (!place.empty()) absl::StrAppend(&text, awaits_task || !noun.empty() ? " (spawned at " : " (made at ", place, ")");
  if (holder.has_value()) absl::StrAppend(&text, ", held by task ", *holder);
  if (!progress.empty()) absl::StrAppend(&text, " (", progress, ")");
  if (pending.value_or(0) > 0) absl::StrAppend(&text, ", ", *pending, " pending");
  return text;
}

std::string WaitText::Words(WaitDetail detail) const {
  if (!brief.empty()) return brief;
  if (awaits_task && is_over) return absl::StrCat(object, " ended");
  const bool with_class = detail == WaitDetail::kAll || !is_named || type.empty();
  std::string text;
  if (with_class && !type.empty()) text = absl::StrCat(std::string(type), "::");
  // Of several that are awaited together their own word says enough: `Gather of 3`.
  if (!pending.has_value() || noun.empty()) text += verb;
  if (detail == WaitDetail::kVerb && with_class && !preposition.empty()) return text;
  if (with_class) AppendWord(text, preposition);
  if (!name_is_enough) AppendWord(text, noun);
  AppendWord(text, is_named ? Quoted(object) : object);
  if (detail < WaitDetail::kNoHolder && holder.has_value()) {
    absl::StrAppend(&text, ", held by ", absl::StrReplaceAll(*holder, {{"\"", ""}}));
  }
  if (detail >= WaitDetail::kNoProgress) return text;
  if (!progress.empty()) absl::StrAppend(&text, " (", progress, ")");
  if (pending.value_or(0) > 0) absl::StrAppend(&text, ", ", *pending, " pending");
  return text;
}

}  // namespace detent::internal
