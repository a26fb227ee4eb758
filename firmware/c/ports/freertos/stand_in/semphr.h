/* Mutexes of the stand-in. See FreeRTOS.h beside it. */
#ifndef STAND_IN_SEMPHR_H
#define STAND_IN_SEMPHR_H

#include "FreeRTOS.h"

typedef struct {
    pthread_mutex_t mutex;
} StaticSemaphore_t;
typedef StaticSemaphore_t *SemaphoreHandle_t;

SemaphoreHandle_t xSemaphoreCreateMutexStatic(StaticSemaphore_t *memory);
BaseType_t xSemaphoreTake(SemaphoreHandle_t semaphore, TickType_t ticks);
BaseType_t xSemaphoreGive(SemaphoreHandle_t semaphore);

#endif
