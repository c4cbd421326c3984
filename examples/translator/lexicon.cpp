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
                          const std::string& feminine, Kinds describes,
                          const std::vector<ChineseAdjective>& chinese, const char* before_vowel = nullptr) {
  return {english,
          before,
          masculine,
          feminine,
          plural_of(masculine),
          plural_of(feminine),
          before_vowel ? before_vowel : masculine,
          describes,
          chinese};
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

Verb verb_entry(std::array<const char*, 3> english, const char* particle,
                const std::vector<ChineseVerb>& chinese, const Conjugation& french, Kinds subjects,
                Kinds objects, Takes takes = Takes::direct, Kinds recipients = 0) {
  Verb verb{english[0], english[1], english[2], particle, takes, subjects,
            objects,    recipients, {},         {},       {},    chinese};
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
      {"man", "men", "homme", "hommes", m, adult, "男人", "个"},
      {"woman", "women", "femme", "femmes", f, adult, "女人", "个"},
      {"boy", "boys", "garçon", "garçons", m, young, "男孩", "个"},
      {"girl", "girls", "fille", "filles", f, young, "女孩", "个"},
      {"child", "children", "enfant", "enfants", m, young, "孩子", "个"},
      {"teacher", "teachers", "professeur", "professeurs", m, adult, "老师", "位"},
      {"doctor", "doctors", "médecin", "médecins", m, adult, "医生", "位"},
      {"king", "kings", "roi", "rois", m, adult, "国王", "位"},
      {"queen", "queens", "reine", "reines", f, adult, "王后", "位"},
      {"neighbour", "neighbours", "voisin", "voisins", m, adult, "邻居", "个"},
      {"uncle", "uncles", "oncle", "oncles", m, adult, "叔叔", "位"},
      {"sister", "sisters", "sœur", "sœurs", f, adult, "姐姐", "个"},
      {"brother", "brothers", "frère", "frères", m, adult, "哥哥", "个"},
      {"nurse", "nurses", "infirmière", "infirmières", f, adult, "护士", "位"},
      {"actress", "actresses", "actrice", "actrices", f, adult, "女演员", "位"},
      {"baker", "bakers", "boulanger", "boulangers", m, adult, "面包师", "位"},
      // Animals.
      {"cat", "cats", "chat", "chats", m, animal, "猫", "只"},
      {"dog", "dogs", "chien", "chiens", m, animal, "狗", "条"},
      {"horse", "horses", "cheval", "chevaux", m, animal, "马", "匹"},
      {"bird", "birds", "oiseau", "oiseaux", m, animal, "鸟", "只"},
      {"mouse", "mice", "souris", "souris", f, animal, "老鼠", "只"},
      {"cow", "cows", "vache", "vaches", f, animal, "奶牛", "头"},
      {"rabbit", "rabbits", "lapin", "lapins", m, animal, "兔子", "只"},
      {"wolf", "wolves", "loup", "loups", m, animal, "狼", "只"},
      {"lion", "lions", "lion", "lions", m, animal, "狮子", "头"},
      {"bear", "bears", "ours", "ours", m, animal, "熊", "头"},
      {"fox", "foxes", "renard", "renards", m, animal, "狐狸", "只"},
      {"duck", "ducks", "canard", "canards", m, animal, "鸭子", "只"},
      {"hen", "hens", "poule", "poules", f, animal, "母鸡", "只"},
      {"goat", "goats", "chèvre", "chèvres", f, animal, "山羊", "只"},
      {"frog", "frogs", "grenouille", "grenouilles", f, animal, "青蛙", "只"},
      {"elephant", "elephants", "éléphant", "éléphants", m, animal, "象", "头"},
      {"owl", "owls", "hibou", "hiboux", m, animal, "猫头鹰", "只"},
      {"donkey", "donkeys", "âne", "ânes", m, animal, "驴子", "头"},
      {"animal", "animals", "animal", "animaux", m, animal, "动物", "只"},
      // Things.
      {"book", "books", "livre", "livres", m, thing, "书", "本"},
      {"table", "tables", "table", "tables", f, thing | top | below, "桌子", "张"},
      {"chair", "chairs", "chaise", "chaises", f, thing | top | below, "椅子", "把"},
      {"hat", "hats", "chapeau", "chapeaux", m, thing, "帽子", "顶"},
      {"coat", "coats", "manteau", "manteaux", m, thing, "外套", "件"},
      {"knife", "knives", "couteau", "couteaux", m, thing, "刀子", "把"},
      {"newspaper", "newspapers", "journal", "journaux", m, thing, "报纸", "份"},
      {"key", "keys", "clé", "clés", f, thing, "钥匙", "把"},
      {"letter", "letters", "lettre", "lettres", f, thing, "信", "封"},
      {"bag", "bags", "sac", "sacs", m, thing, "包", "个"},
      {"shirt", "shirts", "chemise", "chemises", f, thing, "衬衫", "件"},
      {"dress", "dresses", "robe", "robes", f, thing, "连衣裙", "条"},
      {"bottle", "bottles", "bouteille", "bouteilles", f, thing, "瓶子", "个"},
      {"umbrella", "umbrellas", "parapluie", "parapluies", m, thing | below, "雨伞", "把"},
      {"plate", "plates", "assiette", "assiettes", f, thing, "盘子", "个"},
      {"lamp", "lamps", "lampe", "lampes", f, thing | below, "灯", "盏"},
      {"computer", "computers", "ordinateur", "ordinateurs", m, thing, "电脑", "台"},
      {"gift", "gifts", "cadeau", "cadeaux", m, thing, "礼物", "件"},
      {"jewel", "jewels", "bijou", "bijoux", m, thing, "宝石", "颗"},
      {"flower", "flowers", "fleur", "fleurs", f, thing, "花", "朵"},
      {"car", "cars", "voiture", "voitures", f, thing | inside | below, "汽车", "辆"},
      {"boat", "boats", "bateau", "bateaux", m, thing | top | below, "船", "艘"},
      {"box", "boxes", "boîte", "boîtes", f, thing | top, "箱子", "个"},
      // Food.
      {"apple", "apples", "pomme", "pommes", f, food, "苹果", "个"},
      {"cake", "cakes", "gâteau", "gâteaux", m, food, "蛋糕", "个"},
      {"egg", "eggs", "œuf", "œufs", m, food, "鸡蛋", "个"},
      {"orange", "oranges", "orange", "oranges", f, food, "橙子", "个"},
      {"pear", "pears", "poire", "poires", f, food, "梨", "个"},
      {"cabbage", "cabbages", "chou", "choux", m, food, "卷心菜", "棵"},
      // Places.
      {"house", "houses", "maison", "maisons", f, place | inside, "房子", "栋"},
      {"garden", "gardens", "jardin", "jardins", m, place | inside, "花园", "座"},
      {"forest", "forests", "forêt", "forêts", f, place | inside, "森林", "片"},
      {"castle", "castles", "château", "châteaux", m, place | inside, "城堡", "座"},
      {"hotel", "hotels", "hôtel", "hôtels", m, place | inside, "旅馆", "家"},
      {"school", "schools", "école", "écoles", f, place | inside, "学校", "所"},
      {"church", "churches", "église", "églises", f, place | inside, "教堂", "座"},
      {"village", "villages", "village", "villages", m, place | inside, "村庄", "个"},
      {"kitchen", "kitchens", "cuisine", "cuisines", f, place | inside, "厨房", "间"},
      {"bridge", "bridges", "pont", "ponts", m, place | top | below, "桥", "座"},
      {"tree", "trees", "arbre", "arbres", m, place | below, "树", "棵"},
  };
  return table;
}

const std::vector<Adjective>& adjectives() {
  using Chinese = std::vector<ChineseAdjective>;
  const auto before = [](const char* english, const char* masculine, const char* feminine, Kinds describes,
                         const Chinese& chinese, const char* before_vowel = nullptr) {
    return adjective_entry(true, english, masculine, feminine, describes, chinese, before_vowel);
  };
  const auto after = [](const char* english, const char* masculine, const char* feminine, Kinds describes,
                        const Chinese& chinese) {
    return adjective_entry(false, english, masculine, feminine, describes, chinese);
  };
  constexpr auto bare = ChineseAdjective::Shape::bare, de = ChineseAdjective::Shape::de,
                 colour = ChineseAdjective::Shape::colour;
  constexpr bool classed = true;
  static const std::vector<Adjective> table = {
      // "Un grand homme" is a great man and "une vieille fille" is unmarried: some pairs are left out.
      before("small", "petit", "petite", anything,
             {{adult, "矮小", de, "矮小"}, {anything, "小", bare, "小"}}),
      before("big", "grand", "grande", animal | goods | place, {{anything, "大", bare, "大"}}),
      before("young", "jeune", "jeune", living, {{young, "年幼", de, "年幼"}, {living, "年轻", de, "年轻"}}),
      before("old", "vieux", "vieille", adult | animal | thing | place,
             {{living, "年老", de, "老"}, {thing, "旧", bare, "旧"}, {place, "古老", de, "古老"}}, "vieil"),
      before("beautiful", "beau", "belle", anything,
             {{living | goods, "漂亮", de, "漂亮"}, {place, "美丽", de, "美丽"}}, "bel"),
      before("new", "nouveau", "nouvelle", adult | thing | place,
             {{adult, "新", bare, "新来", classed}, {thing | place, "新", bare, "新", classed}}, "nouvel"),
      before("good", "bon", "bonne", anything,
             {{person, "好", bare, "善良"}, {animal, "乖", bare, "乖"}, {goods | place, "好", bare, "好"}}),
      before("bad", "mauvais", "mauvaise", anything,
             {{living, "坏", bare, "坏"}, {goods | place, "糟糕", de, "糟糕"}}),
      before("excellent", "excellent", "excellente", adult | goods | place,
             {{adult, "优秀", de, "优秀"}, {goods | place, "出色", de, "出色"}}),
      // Colours, of anything but people.
      after("black", "noir", "noire", animal | goods | place,
            {{animal | goods | place, "黑色", colour, "黑色", classed}}),
      after("white", "blanc", "blanche", animal | goods | place,
            {{animal | goods | place, "白色", colour, "白色", classed}}),
      after("red", "rouge", "rouge", animal | goods | place,
            {{animal | goods | place, "红色", colour, "红色", classed}}),
      after("green", "vert", "verte", animal | goods | place,
            {{animal | goods | place, "绿色", colour, "绿色", classed}}),
      after("blue", "bleu", "bleue", animal | goods | place,
            {{animal | goods | place, "蓝色", colour, "蓝色", classed}}),
      after("yellow", "jaune", "jaune", animal | goods | place,
            {{animal | goods | place, "黄色", colour, "黄色", classed}}),
      after("grey", "gris", "grise", animal | goods | place,
            {{animal | goods | place, "灰色", colour, "灰色", classed}}),
      // Moods and talents.
      after("tired", "fatigué", "fatiguée", living, {{living, "疲倦", de, "疲倦"}}),
      after("intelligent", "intelligent", "intelligente", living, {{living, "聪明", de, "聪明"}}),
      after("happy", "heureux", "heureuse", living, {{living, "快乐", de, "快乐"}}),
      after("sad", "triste", "triste", living, {{living, "悲伤", de, "悲伤"}}),
      after("strong", "fort", "forte", living, {{living, "强壮", de, "强壮"}}),
      after("curious", "curieux", "curieuse", living, {{living, "好奇", de, "好奇"}}),
      after("calm", "calme", "calme", living, {{living, "冷静", de, "冷静"}}),
      after("slow", "lent", "lente", living, {{living, "行动迟缓", de, "慢"}}),
      // Qualities of things.
      after("heavy", "lourd", "lourde", goods | animal,
            {{goods, "沉重", de, "重"}, {animal, "笨重", de, "重"}}),
      after("expensive", "cher", "chère", goods | place, {{goods | place, "昂贵", de, "贵"}}),
      after("clean", "propre", "propre", thing | place, {{thing | place, "干净", de, "干净"}}),
  };
  return table;
}

const std::vector<Verb>& verbs() {
  static const std::vector<Verb> table = {
      verb_entry({"see", "sees", "saw"}, "", {{.stem = "看", .result = "见"}},
                 {{"vois", "vois", "voit", "voyons", "voient"}, "verr", "vu"}, living, anything),
      verb_entry({"look", "looks", "looked"}, "at", {{.stem = "看"}}, er("regard"), living, anything),
      verb_entry({"look", "looks", "looked"}, "for", {{.stem = "找"}}, er("cherch"), living, anything),
      verb_entry({"find", "finds", "found"}, "", {{.stem = "找", .result = "到"}}, er("trouv"), living,
                 anything),
      verb_entry({"draw", "draws", "drew"}, "", {{.stem = "画"}}, er("dessin"), person, anything),
      verb_entry({"admire", "admires", "admired"}, "", {{.stem = "欣赏", .past = "过"}}, er("admir"), living,
                 anything),
      verb_entry({"forget", "forgets", "forgot"}, "", {{.stem = "忘记"}}, er("oubli"), living, anything),
      verb_entry({"love", "loves", "loved"}, "", {{.stem = "爱", .past = "过"}}, er("aim"), living, anything),
      verb_entry({"hear", "hears", "heard"}, "", {{.stem = "听", .result = "见"}}, re("entend"), living,
                 living),
      verb_entry({"wait", "waits", "waited"}, "for", {{.stem = "等"}}, re("attend"), living, living),
      verb_entry({"listen", "listens", "listened"}, "to", {{.stem = "倾听"}}, er("écout"), living, living),
      verb_entry({"help", "helps", "helped"}, "", {{.stem = "帮助"}}, er("aid"), living, living),
      verb_entry({"meet", "meets", "met"}, "", {{.stem = "遇", .result = "到"}}, er("rencontr"), living,
                 living),
      verb_entry({"wake", "wakes", "woke"}, "", {{.stem = "叫醒"}}, er("réveill"), living, living),
      verb_entry({"catch", "catches", "caught"}, "", {{.stem = "抓"}}, er("attrap"), living, animal),
      verb_entry({"wash", "washes", "washed"}, "",
                 {{.objects = living, .coverb = "给", .stem = "洗", .tail = "澡"}, {.stem = "洗"}}, er("lav"),
                 person, young | animal | goods),
      verb_entry({"push", "pushes", "pushed"}, "", {{.stem = "推"}}, er("pouss"), living, living | thing),
      verb_entry({"carry", "carries", "carried"}, "", {{.objects = living, .stem = "抱"}, {.stem = "携带"}},
                 er("port"), living, young | animal | goods),
      verb_entry({"hide", "hides", "hid"}, "", {{.stem = "藏"}}, er("cach"), living, animal | goods),
      verb_entry({"lose", "loses", "lost"}, "", {{.stem = "弄丢"}}, re("perd"), living, animal | thing),
      verb_entry({"choose", "chooses", "chose"}, "", {{.stem = "选择"}}, ir("choisi"), living, anything),
      verb_entry({"take", "takes", "took"}, "", {{.stem = "拿"}},
                 {{"prends", "prends", "prend", "prenons", "prennent"}, "prendr", "pris"}, living, goods),
      verb_entry({"steal", "steals", "stole"}, "", {{.stem = "偷"}}, er("vol"), living, animal | goods),
      verb_entry({"buy", "buys", "bought"}, "", {{.stem = "买"}},
                 {{"achète", "achètes", "achète", "achetons", "achètent"}, "achèter", "acheté"}, person,
                 animal | goods | place),
      verb_entry({"sell", "sells", "sold"}, "", {{.stem = "卖"}}, re("vend"), person, animal | goods | place),
      verb_entry({"eat", "eats", "ate"}, "", {{.stem = "吃"}},
                 {{"mange", "manges", "mange", "mangeons", "mangent"}, "manger", "mangé"}, living, food),
      verb_entry({"talk", "talks", "talked"}, "to", {{.coverb = "跟", .stem = "说", .tail = "话"}},
                 er("parl"), living, living, Takes::indirect),
      verb_entry({"write", "writes", "wrote"}, "to", {{.coverb = "给", .stem = "写", .tail = "信"}},
                 {{"écris", "écris", "écrit", "écrivons", "écrivent"}, "écrir", "écrit"}, person, person,
                 Takes::indirect),
      verb_entry({"answer", "answers", "answered"}, "", {{.stem = "回答"}}, re("répond"), living, living,
                 Takes::indirect),
      verb_entry({"give", "gives", "gave"}, "", {{.stem = "给"}}, er("donn"), person, animal | goods,
                 Takes::direct_and_to, living),
      verb_entry({"show", "shows", "showed"}, "", {{.coverb = "给", .stem = "看"}}, er("montr"), person,
                 animal | goods | place, Takes::direct_and_to, living),
      verb_entry({"lend", "lends", "lent"}, "", {{.stem = "借给"}}, er("prêt"), person, animal | thing,
                 Takes::direct_and_to, living),
  };
  return table;
}

const Verb& be() {
  static const Verb entry =
      verb_entry({"be", "is", "was"}, "", {}, {{"suis", "es", "est", "sommes", "sont"}, "ser", "été"},
                 anything, 0, Takes::predicate);
  return entry;
}

const std::vector<Preposition>& prepositions() {
  static const std::vector<Preposition> table = {
      {{"in"}, {"dans"}, {"在", "里"}, inside},
      {{"on"}, {"sur"}, {"在", "上"}, top},
      {{"under"}, {"sous"}, {"在", "下面"}, below},
      {{"near"}, {"près", "de"}, {"在", "附近"}, living | thing | place},
      {{"behind"}, {"derrière"}, {"在", "后面"}, living | thing | place},
      {{"in", "front", "of"}, {"devant"}, {"在", "前面"}, living | thing | place},
      {{"with"}, {"avec"}, {"和", "一起"}, living},
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
