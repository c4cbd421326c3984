#pragma once

#include "examples/translator/language.h"

// The Chinese side of the corpus: Mandarin in simplified characters, without spaces; a token is a character.
// No word ever changes its form. What is chosen where Chinese has a choice:
//
// clang-format off
//   English                          Chinese
//   the cat, the cats                猫                                no article, no number
//   a cat, three cats, this cat      一只猫, 三只猫, 这只猫            numbers and 这 take the noun's measure word
//   some cats, these cats            一些猫, 这些猫                    些 stands in its place
//   every cat sees, several cats     每只猫都看见, 好几只猫            都 before the verb, unless 总是 is there
//   my cat, my beautiful cat         我的猫, 我漂亮的猫                one 的 is enough
//   does not look for a cat          不找猫                            what is denied is not counted
//   a small cat                      一只小猫                          short adjectives stand right before the noun
//   a beautiful cat                  一只漂亮的猫                      others take 的
//   a small black cat                一只黑色的小猫                    and stand before the short ones
//   a beautiful black cat, mouse     漂亮的黑猫, 漂亮的黑色老鼠        a colour after another 的 has none
//   an old sad king                  年老而悲伤的国王                  two others share one 的
//   the cat is (not) small           猫很小, 猫不小                    很 in statements only: 猫小吗？
//   the cat is black                 猫是黑色的                        colours, and new
//   was tired                        当时很疲倦
//   sees, saw, will see              看见, 看见了, 会看见              loved, admired: 爱过, 欣赏过
//   does not, did not, will not eat  不吃, 没吃, 不会吃
//   does not see, does he see?       看不见, 看得见吗？                verbs with a result: 看见, 听见, 找到, 遇到
//   never eats, ate, will eat        从来不吃, 从来没吃过, 永远不会吃
//   often eats, often ate            常常吃, 以前常常吃                adverbs stand before the verb; no 了 with them
//   sees him in the garden           在花园里看见他                    the place stands before the verb
//   the cat in the garden            花园里的猫                        and before the noun
//   this, my cat in the garden       这只, 我那只在花园里的猫
//   gives a flower to me             给我一朵花                        who gets it stands before it,
//   gives the flower to me           把花给我                          unless it is a certain one
//   talks, writes, shows it to him   跟他说话, 给他写信, 给他看
//   and                              ，                                clauses need no word for it
// clang-format on

namespace attune::examples {

const TargetLanguage& chinese();

}  // namespace attune::examples
