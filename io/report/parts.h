#pragma once

// The files of this folder as text. cmake/Embed.cmake writes the source that defines them.

namespace attune::io {

extern const char* const report_html_template;  // page.html
extern const char* const report_css;            // page.css
extern const char* const report_js;             // page.js

}  // namespace attune::io
