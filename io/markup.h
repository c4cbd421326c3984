#pragma once

#include <string>
#include <string_view>

// Numbers and text as SVG and HTML want them: what the pictures and the pages of this folder are made of.

namespace attune::io {

/// Fixed notation that no locale can change; "-0.00" is a zero.
std::string decimal(double value, int places);

/// The same without trailing zeros, and without a point that nothing follows.
std::string short_decimal(double value, int places);

/// Text between tags or in a "quoted" attribute: & < > " become entities.
std::string escape_markup(std::string_view text);

/// JSON inside a <script> element: < > & become \u003c and the like, which only ever stand in strings, so no
/// text can end the element or begin a comment.
std::string escape_json_in_script(std::string_view json);

/// RFC 4648, section 4.
std::string to_base64(std::string_view bytes);
/// Its inverse; false when the text is not base64 of that very form, padding included.
bool from_base64(std::string_view text, std::string& bytes);

}  // namespace attune::io
