#include "examples/translator/lexicon.h"

#include <algorithm>
#include <stdexcept>
#include <utility>

namespace attune::examples {
namespace {

using namespace kind;

constexpr Gender m = Gender::masculine, f = Gender::feminine;

bool ends_with(std::string_view word, std::string_view ending) {
  return word.size() >= ending.size() && word.substr(word.size() - ending.size()) == ending;
}

std::string plural_of(const std::string& french) {
  if (ends_with(french, "s") || ends_with(french, "x")) return french;
  return french + (ends_with(french, "eau") ? "x" : "s");
}

Adjective adjective_entry(bool before, const char* english, const std::string& masculine,
                          const std::string& feminine, Kinds describes, const char* before_vowel = nullptr) {
  return {english,
          before,
          masculine,
          feminine,
          plural_of(masculine),
          plural_of(feminine),
          before_vowel ? before_vowel : masculine,
          describes};
}

/// The forms of a French verb: five persons, the stem of the future, the masculine participle.
struct Conjugation {
  std::array<std::string, 5> present;
  std::string future, participle;
};

Conjugation er(const std::string& stem) {  // aimer: aim
  return {{stem + "e", stem + "es", stem + "e", stem + "ons", stem + "ent"}, stem + "er", stem + "é"};
}
Conjugation re(const std::string& stem) {  // vendre: vend
  return {{stem + "s", stem + "s", stem, stem + "ons", stem + "ent"}, stem + "r", stem + "u"};
}
Conjugation ir(const std::string& stem) {  // choisir: choisi
  return {{stem + "s", stem + "s", stem + "t", stem + "ssons", stem + "ssent"}, stem + "r", stem};
}

Verb verb_entry(std::array<const char*, 3> english, const char* particle, const Conjugation& french,
                Kinds subjects, Kinds objects, Takes takes = Takes::direct, Kinds recipients = 0) {
  Verb verb{english[0], english[1], english[2], particle, takes, subjects, objects, recipients, {}, {}, {}};
  verb.present = french.present;
  const std::array<const char*, 5> endings = {"ai", "as", "a", "ons", "ont"};
  for (std::size_t person = 0; person < 5; ++person) verb.future[person] = french.future + endings[person];
  const std::string feminine = french.participle + "e";
  verb.participle = {french.participle, feminine, plural_of(french.participle), plural_of(feminine)};
  return verb;
}

template <typename Entry, typename Matches>
const Entry& find(const std::vector<Entry>& entries, std::string_view word, Matches matches) {
  const auto found = std::find_if(entries.begin(), entries.end(), matches);
  if (found == entries.end()) throw std::out_of_range("lexicon: no entry for \"" + std::string(word) + "\"");
  return *found;
}

}  // namespace

const std::vector<Noun>& nouns() {
  static const std::vector<Noun> table = {
      // People.
      {"man", "men", "homme", "hommes", m, adult},
      {"woman", "women", "femme", "femmes", f, adult},
      {"boy", "boys", "garçon", "garçons", m, young},
      {"girl", "girls", "fille", "filles", f, young},
      {"child", "children", "enfant", "enfants", m, young},
      {"teacher", "teachers", "professeur", "professeurs", m, adult},
      {"doctor", "doctors", "médecin", "médecins", m, adult},
      {"king", "kings", "roi", "rois", m, adult},
      {"queen", "queens", "reine", "reines", f, adult},
      {"neighbour", "neighbours", "voisin", "voisins", m, adult},
      {"uncle", "uncles", "oncle", "oncles", m, adult},
      {"sister", "sisters", "sœur", "sœurs", f, adult},
      {"brother", "brothers", "frère", "frères", m, adult},
      {"nurse", "nurses", "infirmière", "infirmières", f, adult},
      {"actress", "actresses", "actrice", "actrices", f, adult},
      {"baker", "bakers", "boulanger", "boulangers", m, adult},
      // Animals.
      {"cat", "cats", "chat", "chats", m, animal},
      {"dog", "dogs", "chien", "chiens", m, animal},
      {"horse", "horses", "cheval", "chevaux", m, animal},
      {"bird", "birds", "oiseau", "oiseaux", m, animal},
      {"mouse", "mice", "souris", "souris", f, animal},
      {"cow", "cows", "vache", "vaches", f, animal},
      {"rabbit", "rabbits", "lapin", "lapins", m, animal},
      {"wolf", "wolves", "loup", "loups", m, animal},
      {"lion", "lions", "lion", "lions", m, animal},
      {"bear", "bears", "ours", "ours", m, animal},
      {"fox", "foxes", "renard", "renards", m, animal},
      {"duck", "ducks", "canard", "canards", m, animal},
      {"hen", "hens", "poule", "poules", f, animal},
      {"goat", "goats", "chèvre", "chèvres", f, animal},
      {"frog", "frogs", "grenouille", "grenouilles", f, animal},
      {"elephant", "elephants", "éléphant", "éléphants", m, animal},
      {"owl", "owls", "hibou", "hiboux", m, animal},
      {"donkey", "donkeys", "âne", "ânes", m, animal},
      {"animal", "animals", "animal", "animaux", m, animal},
      // Things.
      {"book", "books", "livre", "livres", m, thing},
      {"table", "tables", "table", "tables", f, thing | top | below},
      {"chair", "chairs", "chaise", "chaises", f, thing | top | below},
      {"hat", "hats", "chapeau", "chapeaux", m, thing},
      {"coat", "coats", "manteau", "manteaux", m, thing},
      {"knife", "knives", "couteau", "couteaux", m, thing},
      {"newspaper", "newspapers", "journal", "journaux", m, thing},
      {"key", "keys", "clé", "clés", f, thing},
      {"letter", "letters", "lettre", "lettres", f, thing},
      {"bag", "bags", "sac", "sacs", m, thing},
      {"shirt", "shirts", "chemise", "chemises", f, thing},
      {"dress", "dresses", "robe", "robes", f, thing},
      {"bottle", "bottles", "bouteille", "bouteilles", f, thing},
      {"umbrella", "umbrellas", "parapluie", "parapluies", m, thing | below},
      {"plate", "plates", "assiette", "assiettes", f, thing},
      {"lamp", "lamps", "lampe", "lampes", f, thing | below},
      {"computer", "computers", "ordinateur", "ordinateurs", m, thing},
      {"gift", "gifts", "cadeau", "cadeaux", m, thing},
      {"jewel", "jewels", "bijou", "bijoux", m, thing},
      {"flower", "flowers", "fleur", "fleurs", f, thing},
      {"car", "cars", "voiture", "voitures", f, thing | inside | below},
      {"boat", "boats", "bateau", "bateaux", m, thing | top | below},
      {"box", "boxes", "boîte", "boîtes", f, thing | top},
      // Food.
      {"apple", "apples", "pomme", "pommes", f, food},
      {"cake", "cakes", "gâteau", "gâteaux", m, food},
      {"egg", "eggs", "œuf", "œufs", m, food},
      {"orange", "oranges", "orange", "oranges", f, food},
      {"pear", "pears", "poire", "poires", f, food},
      {"cabbage", "cabbages", "chou", "choux", m, food},
      // Places.
      {"house", "houses", "maison", "maisons", f, place | inside},
      {"garden", "gardens", "jardin", "jardins", m, place | inside},
      {"forest", "forests", "forêt", "forêts", f, place | inside},
      {"castle", "castles", "château", "châteaux", m, place | inside},
      {"hotel", "hotels", "hôtel", "hôtels", m, place | inside},
      {"school", "schools", "école", "écoles", f, place | inside},
      {"church", "churches", "église", "églises", f, place | inside},
      {"village", "villages", "village", "villages", m, place | inside},
      {"kitchen", "kitchens", "cuisine", "cuisines", f, place | inside},
      {"bridge", "bridges", "pont", "ponts", m, place | top | below},
      {"tree", "trees", "arbre", "arbres", m, place | below},
  };
  return table;
}

const std::vector<Adjective>& adjectives() {
  const auto before = [](const char* english, const char* masculine, const char* feminine, Kinds describes,
                         const char* before_vowel = nullptr) {
    return adjective_entry(true, english, masculine, feminine, describes, before_vowel);
  };
  const auto after = [](const char* english, const char* masculine, const char* feminine, Kinds describes) {
    return adjective_entry(false, english, masculine, feminine, describes);
  };
  static const std::vector<Adjective> table = {
      // "Un grand homme" is a great man and "une vieille fille" is unmarried: some pairs are left out.
      before("small", "petit", "petite", anything),
      before("big", "grand", "grande", animal | goods | place),
      before("young", "jeune", "jeune", living),
      before("old", "vieux", "vieille", adult | animal | thing | place, "vieil"),
      before("beautiful", "beau", "belle", anything, "bel"),
      before("new", "nouveau", "nouvelle", adult | thing | place, "nouvel"),
      before("good", "bon", "bonne", anything),
      before("bad", "mauvais", "mauvaise", anything),
      before("excellent", "excellent", "excellente", adult | goods | place),
      // Colours, of anything but people.
      after("black", "noir", "noire", animal | goods | place),
      after("white", "blanc", "blanche", animal | goods | place),
      after("red", "rouge", "rouge", animal | goods | place),
      after("green", "vert", "verte", animal | goods | place),
      after("blue", "bleu", "bleue", animal | goods | place),
      after("yellow", "jaune", "jaune", animal | goods | place),
      after("grey", "gris", "grise", animal | goods | place),
      // Moods and talents.
      after("tired", "fatigué", "fatiguée", living),
      after("intelligent", "intelligent", "intelligente", living),
      after("happy", "heureux", "heureuse", living),
      after("sad", "triste", "triste", living),
      after("strong", "fort", "forte", living),
      after("curious", "curieux", "curieuse", living),
      after("calm", "calme", "calme", living),
      after("slow", "lent", "lente", living),
      // Qualities of things.
      after("heavy", "lourd", "lourde", goods | animal),
      after("expensive", "cher", "chère", goods | place),
      after("clean", "propre", "propre", thing | place),
  };
  return table;
}

const std::vector<Verb>& verbs() {
  static const std::vector<Verb> table = {
      verb_entry({"see", "sees", "saw"}, "", {{"vois", "vois", "voit", "voyons", "voient"}, "verr", "vu"},
                 living, anything),
      verb_entry({"look", "looks", "looked"}, "at", er("regard"), living, anything),
      verb_entry({"look", "looks", "looked"}, "for", er("cherch"), living, anything),
      verb_entry({"find", "finds", "found"}, "", er("trouv"), living, anything),
      verb_entry({"draw", "draws", "drew"}, "", er("dessin"), person, anything),
      verb_entry({"admire", "admires", "admired"}, "", er("admir"), living, anything),
      verb_entry({"forget", "forgets", "forgot"}, "", er("oubli"), living, anything),
      verb_entry({"love", "loves", "loved"}, "", er("aim"), living, anything),
      verb_entry({"hear", "hears", "heard"}, "", re("entend"), living, living),
      verb_entry({"wait", "waits", "waited"}, "for", re("attend"), living, living),
      verb_entry({"listen", "listens", "listened"}, "to", er("écout"), living, living),
      verb_entry({"help", "helps", "helped"}, "", er("aid"), living, living),
      verb_entry({"meet", "meets", "met"}, "", er("rencontr"), living, living),
      verb_entry({"wake", "wakes", "woke"}, "", er("réveill"), living, living),
      verb_entry({"catch", "catches", "caught"}, "", er("attrap"), living, animal),
      verb_entry({"wash", "washes", "washed"}, "", er("lav"), person, young | animal | goods),
      verb_entry({"push", "pushes", "pushed"}, "", er("pouss"), living, living | thing),
      verb_entry({"carry", "carries", "carried"}, "", er("port"), living, young | animal | goods),
      verb_entry({"hide", "hides", "hid"}, "", er("cach"), living, animal | goods),
      verb_entry({"lose", "loses", "lost"}, "", re("perd"), living, animal | thing),
      verb_entry({"choose", "chooses", "chose"}, "", ir("choisi"), living, anything),
      verb_entry({"take", "takes", "took"}, "",
                 {{"prends", "prends", "prend", "prenons", "prennent"}, "prendr", "pris"}, living, goods),
      verb_entry({"steal", "steals", "stole"}, "", er("vol"), living, animal | goods),
      verb_entry({"buy", "buys", "bought"}, "",
                 {{"achète", "achètes", "achète", "achetons", "achètent"}, "achèter", "acheté"}, person,
                 animal | goods | place),
      verb_entry({"sell", "sells", "sold"}, "", re("vend"), person, animal | goods | place),
      verb_entry({"eat", "eats", "ate"}, "",
                 {{"mange", "manges", "mange", "mangeons", "mangent"}, "manger", "mangé"}, living, food),
      verb_entry({"talk", "talks", "talked"}, "to", er("parl"), living, living, Takes::indirect),
      verb_entry({"write", "writes", "wrote"}, "to",
                 {{"écris", "écris", "écrit", "écrivons", "écrivent"}, "écrir", "écrit"}, person, person,
                 Takes::indirect),
      verb_entry({"answer", "answers", "answered"}, "", re("répond"), living, living, Takes::indirect),
      verb_entry({"give", "gives", "gave"}, "", er("donn"), person, animal | goods, Takes::direct_and_to,
                 living),
      verb_entry({"show", "shows", "showed"}, "", er("montr"), person, animal | goods | place,
                 Takes::direct_and_to, living),
      verb_entry({"lend", "lends", "lent"}, "", er("prêt"), person, animal | thing, Takes::direct_and_to,
                 living),
  };
  return table;
}

const Verb& be() {
  static const Verb entry =
      verb_entry({"be", "is", "was"}, "", {{"suis", "es", "est", "sommes", "sont"}, "ser", "été"}, anything,
                 0, Takes::predicate);
  return entry;
}

const std::vector<Preposition>& prepositions() {
  static const std::vector<Preposition> table = {
      {{"in"}, {"dans"}, inside},
      {{"on"}, {"sur"}, top},
      {{"under"}, {"sous"}, below},
      {{"near"}, {"près", "de"}, living | thing | place},
      {{"behind"}, {"derrière"}, living | thing | place},
      {{"in", "front", "of"}, {"devant"}, living | thing | place},
      {{"with"}, {"avec"}, living},
  };
  return table;
}

const Noun& noun(std::string_view english) {
  return find(nouns(), english, [&](const Noun& entry) { return entry.english == english; });
}
const Adjective& adjective(std::string_view english) {
  return find(adjectives(), english, [&](const Adjective& entry) { return entry.english == english; });
}
const Verb& verb(std::string_view base, std::string_view particle) {
  if (base == "be") return be();
  return find(verbs(), base,
              [&](const Verb& entry) { return entry.base == base && entry.particle == particle; });
}
const Preposition& preposition(std::string_view english) {
  return find(prepositions(), english, [&](const Preposition& entry) {
    std::string words = entry.english.front();
    for (std::size_t i = 1; i < entry.english.size(); ++i) words += " " + entry.english[i];
    return words == english;
  });
}

bool begins_with_vowel_sound(std::string_view french) {
  if (french.substr(0, 5) == "hibou") return false;  // the only h aspiré among these words
  if (!french.empty() && std::string_view("aeiouh").find(french.front()) != std::string_view::npos)
    return true;
  for (const std::string_view accented : {"é", "è", "ê", "â", "î", "ô", "œ"}) {
    if (french.substr(0, accented.size()) == accented) return true;
  }
  return false;
}

}  // namespace attune::examples
