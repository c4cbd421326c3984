#pragma once

/// About 20 · 20 · 30: the squares of 400 sums of 30 products of numbers with deviation 1.
double norm_of_a_product();
