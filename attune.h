#pragma once

// Everything that attune offers, in the order in which it is built.

// numbers
#include "tensor/elementwise.h"
#include "tensor/error.h"
#include "tensor/indexing.h"
#include "tensor/indices.h"
#include "tensor/matmul.h"
#include "tensor/print.h"
#include "tensor/random.h"
#include "tensor/reduce.h"
#include "tensor/rows.h"
#include "tensor/simd/kernels.h"
#include "tensor/tensor.h"
#include "tensor/thread_pool.h"

// gradients
#include "autograd/anomaly.h"
#include "autograd/check.h"
#include "autograd/ops.h"

// layers
#include "nn/attention.h"
#include "nn/check.h"
#include "nn/diagnostics.h"
#include "nn/init.h"
#include "nn/layers.h"
#include "nn/transformer.h"

// training
#include "optim/adam.h"
#include "optim/gradients.h"
#include "optim/schedules.h"
#include "optim/sgd.h"

// text
#include "text/batch.h"
#include "text/bleu.h"
#include "text/bleu_tokenizer.h"
#include "text/bootstrap.h"
#include "text/chrf.h"
#include "text/corpus.h"
#include "text/search.h"
#include "text/sentencepiece.h"
#include "text/tokenizer.h"
#include "text/vocabulary.h"

// files and pictures
#include "io/checkpoint.h"
#include "io/heat_map.h"
#include "io/line_chart.h"
#include "io/model.h"
#include "io/report_page.h"
#include "io/safetensors.h"
