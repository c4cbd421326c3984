#pragma once

#include "examples/translator/language.h"

// The French side of the corpus. What is chosen where French has a choice:
//
//   English                       French
//   sees, saw, will see           voit, a vu, verra       (présent, passé composé, futur simple)
//   was tired                     était fatigué           ("be" alone has the imparfait for its past)
//   you, your                     tu, te, ton             (one person, familiar)
//   I, me, you, us, them, they    masculine               (il m'a vu, ils sont grands; but: il l'a vue, her)
//   his, her (possessive)         son, sa, ses            (French agrees with the thing owned)
//   this, these                   ce, cet, cette, ces
//   some; any after a negation    des; de
//   a question                    est-ce que …?           (no space before "?")

namespace attune::examples {

const TargetLanguage& french();

}  // namespace attune::examples
