/* make_model RESULT_DIR [TRAIN_CSV]: the model of trained_model.h, for tests of the
 * command line. */
#include "tests/predict/trained_model.h"

#include <stdio.h>

int main(int argc, char **argv)
{
    if (argc < 2) {
        fputs("usage: make_model RESULT_DIR [TRAIN_CSV]\n", stderr);
        return 2;
    }
    trained_model_make(argv[1], argc > 2 ? argv[2] : NULL, 0);
    return 0;
}
