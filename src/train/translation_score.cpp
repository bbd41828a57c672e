#include "train/translation_score.hpp"

namespace ganvas {

TranslationScore::TranslationScore(const TaskContext& context) : context_(context) {}
void TranslationScore::load(const std::vector<TranslationPair>&) {}
Scalars TranslationScore::operator()(Generator&, const std::vector<TranslationPair>&) { return {}; }
double TranslationScore::of(const Scalars&) const { return 0; }

}  // namespace ganvas
