#pragma once

// All differentiable operations.
#include "autograd/attention.h"
#include "autograd/dropout.h"
#include "autograd/elementwise.h"
#include "autograd/indexing.h"
#include "autograd/loss.h"
#include "autograd/mask.h"
#include "autograd/matmul.h"
#include "autograd/reduce.h"
#include "autograd/rows.h"
#include "autograd/variable.h"
#include "autograd/views.h"
