#include "examples/translator/french.h"

#include <doctest/doctest.h>

#include <set>
#include <stdexcept>
#include <string>
#include <unordered_map>
#include <vector>

#include "tests/examples/sentences.h"

using namespace attune::examples;
using namespace attune::examples::sentences;

namespace {

Example in_french(const Sentence& sentence) {
  return render(sentence, french());
}
Example in_french(const Clause& clause) {
  return in_french(Sentence{clause});
}

struct Case {
  Clause clause;
  std::string english, french;
};

void check(const std::vector<Case>& cases) {
  for (const Case& expected : cases) {
    const Example example = in_french(expected.clause);
    CHECK(example.pair.source == expected.english);
    CHECK(example.pair.target == expected.french);
  }
}

const NounPhrase the_dog = one(D::the, "dog"), the_cat = one(D::the, "cat"), the_cats = many(D::the, "cat");

}  // namespace

TEST_CASE("grammar: it has the promised number of nouns, verbs and adjectives, and no English word twice") {
  CHECK(nouns().size() >= 60);
  CHECK(verbs().size() >= 30);
  CHECK(adjectives().size() >= 20);
  CHECK(nouns().size() <= 256);  // a Combination holds them in bytes
  std::set<std::string> words;
  std::size_t expected = 0;
  const auto add = [&](const std::string& word) { words.insert(word), ++expected; };
  for (const Noun& entry : nouns()) add(entry.english), add(entry.english_plural);
  for (const Adjective& entry : adjectives()) add(entry.english);
  for (const Verb& entry : verbs()) {
    if (entry.base == "look" && entry.particle == "for") continue;  // "look at" has the same forms
    add(entry.base), add(entry.third), add(entry.past);
  }
  CHECK(words.size() == expected);
  MESSAGE(nouns().size(), " nouns, ", verbs().size(), " verbs and be, ", adjectives().size(), " adjectives");
}

TEST_CASE("grammar: an unknown word is named") {
  CHECK_THROWS_WITH_AS(noun("unicorn"), "lexicon: no entry for \"unicorn\"", std::out_of_range);
  CHECK_THROWS_AS(adjective("purple"), std::out_of_range);
  CHECK_THROWS_AS(verb("sing"), std::out_of_range);
  CHECK_THROWS_AS(preposition("above"), std::out_of_range);
}

TEST_CASE("grammar: adjectives stand on their side of the noun and agree in gender and number") {
  check({
      {say(one(D::the, "dog", "small"), verb("see"), one(D::the, "cat", "", "black")),
       "the small dog sees the black cat.", "le petit chien voit le chat noir."},
      {say(one(D::the, "cow", "small", "white"), verb("see"), many(D::the, "cow", "big", "black")),
       "the small white cow sees the big black cows.",
       "la petite vache blanche voit les grandes vaches noires."},
      {say(many(D::this_, "king", "old", "tired"), verb("love"),
           many(D::their, "queen", "beautiful", "happy")),
       "these old tired kings love their beautiful happy queens.",
       "ces vieux rois fatigués aiment leurs belles reines heureuses."},
      {say(many(D::our, "horse", "new"), verb("find"), many(D::your, "newspaper", "", "expensive")),
       "our new horses find your expensive newspapers.", "nos nouveaux chevaux trouvent tes journaux chers."},
      {say(P::he, verb("hide"), many(D::the, "jewel", "", "blue")), "he hides the blue jewels.",
       "il cache les bijoux bleus."},
      {say(P::she, verb("wash"), many(D::the, "mouse", "", "grey")), "she washes the grey mice.",
       "elle lave les souris grises."},
  });
}

TEST_CASE("grammar: bel, vieil, nouvel, mon and cet go by the sound of the next word") {
  check({
      {say(one(D::my, "uncle", "old"), verb("draw"), one(D::a, "bird", "beautiful")),
       "my old uncle draws a beautiful bird.", "mon vieil oncle dessine un bel oiseau."},
      {say(one(D::this_, "man"), verb("buy"), one(D::a, "computer", "new")), "this man buys a new computer.",
       "cet homme achète un nouvel ordinateur."},
      {say(one(D::this_, "man", "new"), verb("buy"), one(D::this_, "owl", "beautiful")),
       "this new man buys this beautiful owl.", "ce nouvel homme achète ce beau hibou."},
      {say(one(D::my, "actress"), verb("admire"), one(D::your, "school")), "my actress admires your school.",
       "mon actrice admire ton école."},
      {say(one(D::his, "nurse", "beautiful"), verb("see"), one(D::her, "church", "", "white")),
       "his beautiful nurse sees her white church.", "sa belle infirmière voit son église blanche."},
      {say(one(D::her, "nurse", "excellent"), verb("see"), one(D::this_, "plate", "excellent")),
       "her excellent nurse sees this excellent plate.",
       "son excellente infirmière voit cette excellente assiette."},
      {say(one(D::this_, "teacher", "excellent"), verb("see"), many(D::this_, "animal", "old")),
       "this excellent teacher sees these old animals.", "cet excellent professeur voit ces vieux animaux."},
      {is(one(D::the, "donkey"), "old"), "the donkey is old.", "l'âne est vieux."},
  });
}

TEST_CASE(
    "grammar: articles and pronouns lose their vowel before a vowel or a mute h, never before an aspirated "
    "one") {
  check({
      {say(one(D::the, "man"), verb("admire"), one(D::the, "hotel")), "the man admires the hotel.",
       "l'homme admire l'hôtel."},
      {say(one(D::the, "child"), verb("eat"), one(D::the, "egg")), "the child eats the egg.",
       "l'enfant mange l'œuf."},
      {say(one(D::the, "owl"), verb("hear"), many(D::the, "owl")), "the owl hears the owls.",
       "le hibou entend les hiboux."},
      {say(P::i, verb("love"), one(D::the, "apple")), "i love the apple.", "j'aime la pomme."},
      {say(P::i, verb("listen", "to"), P::you), "i listen to you.", "je t'écoute."},
      {say(P::she, verb("help"), P::i), "she helps me.", "elle m'aide."},
      {no(say(P::we, verb("buy"), one(D::the, "orange"))), "we do not buy the orange.",
       "nous n'achetons pas l'orange."},
  });
}

TEST_CASE("grammar: 'an' stands before a vowel, with or without an adjective between") {
  check({
      {say(one(D::a, "elephant"), verb("take"), one(D::a, "apple", "", "green")),
       "an elephant takes a green apple.", "un éléphant prend une pomme verte."},
      {say(one(D::a, "teacher", "old"), verb("meet"), one(D::a, "girl", "", "intelligent")),
       "an old teacher meets an intelligent girl.", "un vieux professeur rencontre une fille intelligente."},
  });
}

TEST_CASE("grammar: 'some' is 'des', and 'de' before an adjective") {
  check({
      {say(many(D::some, "cat", "", "black"), verb("see"), many(D::some, "horse", "small")),
       "some black cats see some small horses.", "des chats noirs voient de petits chevaux."},
      {say(P::they, verb("eat"), many(D::some, "cake", "excellent")), "they eat some excellent cakes.",
       "ils mangent d'excellents gâteaux."},
      {say(many(D::two, "boy", "young"), verb("lose"), many(D::several, "key")),
       "two young boys lose several keys.", "deux jeunes garçons perdent plusieurs clés."},
      {say(one(D::every, "baker"), verb("sell"), many(D::ten, "cabbage", "good")),
       "every baker sells ten good cabbages.", "chaque boulanger vend dix bons choux."},
  });
}

TEST_CASE("grammar: verbs agree with every person in the three tenses") {
  check({
      {say(P::i, verb("see"), the_dog), "i see the dog.", "je vois le chien."},
      {say(P::you, verb("take"), one(D::your, "coat")), "you take your coat.", "tu prends ton manteau."},
      {say(P::he, verb("choose"), many(D::the, "pear")), "he chooses the pears.", "il choisit les poires."},
      {say(P::we, verb("eat"), one(D::our, "cake")), "we eat our cake.", "nous mangeons notre gâteau."},
      {say(P::they, verb("buy"), one(D::their, "house")), "they buy their house.",
       "ils achètent leur maison."},
      {past(say(P::i, verb("take"), one(D::my, "bag"))), "i took my bag.", "j'ai pris mon sac."},
      {past(say(P::you, verb("write", "to"), the_dog)), "you wrote to the dog.", "tu as écrit au chien."},
      {past(say(P::we, verb("lose"), many(D::our, "knife"))), "we lost our knives.",
       "nous avons perdu nos couteaux."},
      {past(say(many(D::the, "wolf"), verb("wait", "for"), the_cats)), "the wolves waited for the cats.",
       "les loups ont attendu les chats."},
      {future(say(P::i, verb("see"), the_cat)), "i will see the cat.", "je verrai le chat."},
      {future(say(P::you, verb("buy"), one(D::a, "dress"))), "you will buy a dress.",
       "tu achèteras une robe."},
      {future(say(P::she, verb("sell"), one(D::the, "car"))), "she will sell the car.",
       "elle vendra la voiture."},
      {future(say(P::we, verb("choose"), one(D::a, "lamp"))), "we will choose a lamp.",
       "nous choisirons une lampe."},
      {future(say(many(D::the, "child"), verb("eat"), many(D::the, "pear"))),
       "the children will eat the pears.", "les enfants mangeront les poires."},
  });
}

TEST_CASE(
    "grammar: a negation stands around the verb or its auxiliary, and turns an indefinite object into 'de'") {
  check({
      {no(say(many(D::the, "cat", "", "black"), verb("see"), P::he)), "the black cats do not see him.",
       "les chats noirs ne le voient pas."},
      {no(say(the_dog, verb("look", "for"), one(D::a, "cat"))), "the dog does not look for a cat.",
       "le chien ne cherche pas de chat."},
      {past(no(say(the_dog, verb("look", "at"), the_cat))), "the dog did not look at the cat.",
       "le chien n'a pas regardé le chat."},
      {past(no(say(P::i, verb("buy"), many(D::some, "egg", "", "white")))), "i did not buy any white eggs.",
       "je n'ai pas acheté d'œufs blancs."},
      {future(no(say(P::we, verb("steal"), one(D::a, "apple", "good")))), "we will not steal a good apple.",
       "nous ne volerons pas de bonne pomme."},
      {never(say(P::she, verb("catch"), many(D::some, "rabbit", "young"))),
       "she never catches any young rabbits.", "elle n'attrape jamais de jeunes lapins."},
      {past(never(say(many(D::the, "goat"), verb("push"), one(D::the, "donkey")))),
       "the goats never pushed the donkey.", "les chèvres n'ont jamais poussé l'âne."},
      {future(never(say(P::you, verb("forget"), P::we))), "you will never forget us.",
       "tu ne nous oublieras jamais."},
      // Not the direct object, so nothing changes.
      {no(say(P::i, verb("talk", "to"), one(D::a, "cat"))), "i do not talk to a cat.",
       "je ne parle pas à un chat."},
      {no(say(one(D::a, "cat"), verb("wake"), the_dog)), "a cat does not wake the dog.",
       "un chat ne réveille pas le chien."},
      {no(at(say(P::he, verb("see"), P::she), "in", one(D::a, "garden"))), "he does not see her in a garden.",
       "il ne la voit pas dans un jardin."},
  });
}

TEST_CASE("grammar: object pronouns move before the verb, and the participle agrees with a direct one") {
  check({
      {say(the_cats, verb("see"), P::she), "the cats see her.", "les chats la voient."},
      {past(say(P::he, verb("see"), P::she)), "he saw her.", "il l'a vue."},
      {past(say(P::he, verb("see"), P::he)), "he saw him.", "il l'a vu."},
      {past(say(P::she, verb("forget"), P::they)), "she forgot them.", "elle les a oubliés."},
      {past(say(P::they, verb("choose"), P::we)), "they chose us.", "ils nous ont choisis."},
      {past(no(say(P::i, verb("wait", "for"), P::you))), "i did not wait for you.",
       "je ne t'ai pas attendu."},
      {past(say(P::you, verb("hear"), P::i)), "you heard me.", "tu m'as entendu."},
      {future(say(P::i, verb("draw"), P::they)), "i will draw them.", "je les dessinerai."},
      // Indirect: no agreement.
      {past(say(P::he, verb("answer"), P::she)), "he answered her.", "il lui a répondu."},
      {past(say(P::she, verb("talk", "to"), P::they)), "she talked to them.", "elle leur a parlé."},
      {no(say(P::we, verb("write", "to"), P::he)), "we do not write to him.", "nous ne lui écrivons pas."},
      {to(past(say(P::she, verb("give"), one(D::the, "flower", "", "red"))), P::i),
       "she gave the red flower to me.", "elle m'a donné la fleur rouge."},
      {to(no(say(P::they, verb("lend"), one(D::a, "book"))), P::they), "they do not lend a book to them.",
       "ils ne leur prêtent pas de livre."},
  });
}

TEST_CASE("grammar: questions begin with est-ce que") {
  check({
      {ask(say(one(D::the, "dog", "small"), verb("see"), P::they)), "does the small dog see them?",
       "est-ce que le petit chien les voit?"},
      {ask(say(P::they, verb("love"), the_cats)), "do they love the cats?",
       "est-ce qu'ils aiment les chats?"},
      {past(ask(say(P::she, verb("steal"), one(D::a, "jewel")))), "did she steal a jewel?",
       "est-ce qu'elle a volé un bijou?"},
      {future(ask(say(one(D::a, "actress"), verb("meet"), P::you))), "will an actress meet you?",
       "est-ce qu'une actrice te rencontrera?"},
      {past(ask(is(many(D::the, "nurse"), "tired"))), "were the nurses tired?",
       "est-ce que les infirmières étaient fatiguées?"},
      {future(ask(is(P::she, "happy"))), "will she be happy?", "est-ce qu'elle sera heureuse?"},
  });
}

TEST_CASE("grammar: adverbs stand before the English and after the French verb") {
  check({
      {often(say(the_dog, verb("carry"), one(D::the, "bag"))), "the dog often carries the bag.",
       "le chien porte souvent le sac."},
      {often(past(say(P::we, verb("help"), P::she))), "we often helped her.", "nous l'avons souvent aidée."},
      {often(ask(say(P::you, verb("wash"), one(D::your, "shirt")))), "do you often wash your shirt?",
       "est-ce que tu laves souvent ta chemise?"},
      {often(future(say(P::i, verb("hear"), one(D::the, "bear")))), "i will often hear the bear.",
       "j'entendrai souvent l'ours."},
  });
}

TEST_CASE("grammar: a predicate agrees with its subject at a distance") {
  Clause clause = is(one(D::the, "queen", "young"), "old");
  clause.beside_subject = where("in front of", many(D::the, "castle", "", "grey"));
  check({
      {clause, "the young queen in front of the grey castles is old.",
       "la jeune reine devant les châteaux gris est vieille."},
      {no(is(many(D::our, "cow"), "heavy")), "our cows are not heavy.", "nos vaches ne sont pas lourdes."},
      {past(no(is(P::she, "sad"))), "she was not sad.", "elle n'était pas triste."},
      {never(future(is(many(D::the, "king"), "happy"))), "the kings will never be happy.",
       "les rois ne seront jamais heureux."},
      {is(one(D::this_, "egg"), "white"), "this egg is white.", "cet œuf est blanc."},
  });
}

TEST_CASE("grammar: à and de contract with le and les, not with l' and la") {
  check({
      {to(say(P::i, verb("show"), one(D::the, "house")), one(D::the, "boy")), "i show the house to the boy.",
       "je montre la maison au garçon."},
      {to(say(P::i, verb("show"), one(D::the, "house")), many(D::the, "girl", "small")),
       "i show the house to the small girls.", "je montre la maison aux petites filles."},
      {to(say(P::i, verb("show"), one(D::a, "hat")), one(D::the, "child")), "i show a hat to the child.",
       "je montre un chapeau à l'enfant."},
      {say(P::you, verb("answer"), one(D::the, "woman")), "you answer the woman.", "tu réponds à la femme."},
      {at(say(P::i, verb("see"), P::they), "near", one(D::the, "bridge", "old")),
       "i see them near the old bridge.", "je les vois près du vieux pont."},
      {at(say(P::i, verb("see"), P::they), "near", many(D::the, "tree")), "i see them near the trees.",
       "je les vois près des arbres."},
      {at(say(P::i, verb("see"), P::they), "near", one(D::the, "tree")), "i see them near the tree.",
       "je les vois près de l'arbre."},
      {at(say(P::i, verb("see"), P::they), "near", one(D::a, "school")), "i see them near a school.",
       "je les vois près d'une école."},
      {at(say(P::i, verb("see"), P::they), "near", many(D::some, "tree")), "i see them near some trees.",
       "je les vois près d'arbres."},
      {at(say(P::he, verb("hide"), one(D::the, "key", "small")), "under", one(D::his, "plate", "", "blue")),
       "he hides the small key under his blue plate.", "il cache la petite clé sous son assiette bleue."},
      {at(say(P::he, verb("eat"), one(D::a, "apple")), "with", the_dog), "he eats an apple with the dog.",
       "il mange une pomme avec le chien."},
  });
}

TEST_CASE("grammar: two clauses are joined by and, but, because") {
  const auto joined = [](const Clause& first, Conjunction conjunction, const Clause& second) {
    return in_french(Sentence{first, conjunction, second}).pair;
  };
  const SentencePair both =
      joined(say(one(D::the, "dog", "small"), verb("see"), one(D::the, "cat", "", "black")),
             Conjunction::and_, no(say(one(D::the, "horse"), verb("hear"), P::she)));
  CHECK(both.source == "the small dog sees the black cat and the horse does not hear her.");
  CHECK(both.target == "le petit chien voit le chat noir et le cheval ne l'entend pas.");
  const SentencePair but = joined(past(say(P::i, verb("lose"), one(D::a, "umbrella"))), Conjunction::but,
                                  past(say(P::you, verb("find"), many(D::the, "key", "", "heavy"))));
  CHECK(but.source == "i lost an umbrella, but you found the heavy keys.");
  CHECK(but.target == "j'ai perdu un parapluie, mais tu as trouvé les clés lourdes.");
  const SentencePair because = joined(future(say(many(D::the, "nurse"), verb("help"), P::we)),
                                      Conjunction::because, is(P::she, "good"));
  CHECK(because.source == "the nurses will help us because she is good.");
  CHECK(because.target == "les infirmières nous aideront parce qu'elle est bonne.");
}

TEST_CASE("grammar: it says which adjective belongs to which noun, on both sides") {
  const Example example = in_french(
      at(to(say(one(D::the, "man"), verb("give"), one(D::a, "cat", "small", "black")), one(D::the, "girl")),
         "near", one(D::the, "house", "", "red")));
  REQUIRE(example.pair.target == "l'homme donne un petit chat noir à la fille près de la maison rouge.");
  const std::vector<std::string> source = tokenise(example.pair.source),
                                 target = tokenise(example.pair.target);
  const std::vector<std::vector<std::string>> expected = {{"small", "cat", "petit", "chat"},
                                                          {"black", "cat", "noir", "chat"},
                                                          {"red", "house", "rouge", "maison"}};
  REQUIRE(example.noun_adjectives.size() == expected.size());
  for (std::size_t i = 0; i < expected.size(); ++i) {
    const AdjectiveNoun& pair = example.noun_adjectives[i];
    CHECK(source.at(static_cast<std::size_t>(pair.source_adjective)) == expected[i][0]);
    CHECK(source.at(static_cast<std::size_t>(pair.source_noun)) == expected[i][1]);
    CHECK(target.at(static_cast<std::size_t>(pair.target_adjective)) == expected[i][2]);
    CHECK(target.at(static_cast<std::size_t>(pair.target_noun)) == expected[i][3]);
    CHECK(pair.order_differs == (i != 0));
  }
}

TEST_CASE("grammar: the alignment names the English word behind every French one") {
  const Example example =
      in_french(past(no(say(many(D::the, "cat", "", "black"), verb("answer"), one(D::the, "boy")))));
  const std::vector<std::string> source = tokenise(example.pair.source),
                                 target = tokenise(example.pair.target);
  REQUIRE(join(target) == "les chats noirs n'ont pas répondu au garçon.");
  const std::vector<std::string> expected = {"the", "cats",   "black", "not", "did",
                                             "not", "answer", "",      "boy", "."};
  REQUIRE(example.alignment.size() == target.size());
  for (std::size_t i = 0; i < target.size(); ++i) {
    const int from = example.alignment[i];
    CHECK((from < 0 ? "" : source.at(static_cast<std::size_t>(from))) == expected[i]);
  }
}

TEST_CASE("grammar: adjective and noun positions stay right when an article contracts before them") {
  Dice dice(5);
  int differing = 0, pairs = 0;
  for (int i = 0; i < 20'000; ++i) {
    const Sentence sentence = random_sentence(dice);
    const Example example = in_french(sentence);
    const std::vector<std::string> target = tokenise(example.pair.target);
    REQUIRE(example.alignment.size() == target.size());
    for (const AdjectiveNoun& pair : example.noun_adjectives) {
      REQUIRE(example.alignment.at(static_cast<std::size_t>(pair.target_adjective)) == pair.source_adjective);
      REQUIRE(example.alignment.at(static_cast<std::size_t>(pair.target_noun)) == pair.source_noun);
      REQUIRE(pair.order_differs == (pair.target_adjective > pair.target_noun));
      REQUIRE(pair.source_adjective < pair.source_noun);
      differing += pair.order_differs, ++pairs;
    }
  }
  MESSAGE(differing, " of ", pairs, " adjectives change sides in 20000 sentences");
}

TEST_CASE("grammar: one English sentence has one French translation") {
  Dice dice(11);
  std::unordered_map<std::string, std::string> translation;
  int contradictions = 0;
  for (int i = 0; i < 300'000; ++i) {
    const SentencePair pair = in_french(random_sentence(dice)).pair;
    const auto [entry, is_new] = translation.emplace(pair.source, pair.target);
    contradictions += !is_new && entry->second != pair.target;
  }
  CHECK(contradictions == 0);
  CHECK(translation.size() > 200'000);
  MESSAGE(translation.size(), " distinct English sentences among 300000 random ones");
}

TEST_CASE("grammar: tokens and text say the same") {
  CHECK(tokenise("est-ce qu'il l'a vue?") ==
        std::vector<std::string>{"est-ce", "qu'", "il", "l'", "a", "vue", "?"});
  CHECK(tokenise("  i   see  him. ") == std::vector<std::string>{"i", "see", "him", "."});
  CHECK(join({"j'", "ai", "vu", ",", "mais", "tu", "dors", "."}) == "j'ai vu, mais tu dors.");
  CHECK(tokenise("j'ai vu, mais").size() == 5);
  CHECK(tokenise("").empty());
  CHECK(join({}) == "");
  Dice dice(3);
  for (int i = 0; i < 20'000; ++i) {
    const SentencePair pair = in_french(random_sentence(dice)).pair;
    REQUIRE(join(tokenise(pair.source)) == pair.source);
    REQUIRE(join(tokenise(pair.target)) == pair.target);
  }
}

TEST_CASE("grammar: its dice fall as SplitMix64 does, the same everywhere") {
  Dice dice(1234567);  // the first numbers of the reference implementation from this seed
  CHECK(dice.next() == 6457827717110365317u);
  CHECK(dice.next() == 3203168211198807973u);
  for (int i = 0; i < 1000; ++i) CHECK(dice.below(6) < 6);
}
