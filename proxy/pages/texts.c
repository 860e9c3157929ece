/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The texts for people.  One row a text, one column a language in the order of language.c: whoever
 * changes a sentence sees all of its translations, and a new language is a column.  Words are
 * plain, nobody is blamed, and nothing is promised that weir does not do.
 */
#include "texts.h"

#include "weir/base/assert.h"

enum { LANGUAGES = 4 };
#define NBSP "\u00a0"

static const char *const pages[PAGE_KIND_COUNT][PAGE_PART_COUNT][LANGUAGES] = {
    [PAGE_BUSY] =
        {{"Very busy right now", "Beaucoup de monde en ce moment", "Gerade ist sehr viel los",
          "Mucha demanda en este momento"},
         {"More people are asking than can be answered at once, so this request was not started.",
          "Plus de personnes posent une question qu’il n’est possible d’en servir à la fois ; "
          "cette "
          "demande n’a pas été commencée.",
          "Es fragen mehr Menschen, als gleichzeitig eine Antwort bekommen können. Diese Anfrage "
          "wurde nicht begonnen.",
          "Preguntan más personas de las que se pueden atender a la vez, así que esta petición no "
          "se ha iniciado."},
         {"Conversations that have begun come first. Room for new ones opens up as answers are "
          "completed.",
          "Les conversations déjà engagées passent d’abord. De la place se libère à mesure que les "
          "réponses se terminent.",
          "Begonnene Gespräche gehen vor. Für neue wird Platz, sobald Antworten fertig sind.",
          "Las conversaciones ya empezadas van primero. Queda sitio para otras a medida que "
          "terminan las respuestas."}},
    [PAGE_BROKEN] =
        {{"Out of order for the moment", "Momentanément hors service",
          "Vorübergehend außer Betrieb", "Fuera de servicio por el momento"},
         {"The service behind this page is not answering properly, so this request was not "
          "started.",
          "Le service derrière cette page ne répond pas correctement ; cette demande n’a pas été "
          "commencée.",
          "Der Dienst hinter dieser Seite antwortet nicht richtig. Diese Anfrage wurde nicht "
          "begonnen.",
          "El servicio que hay detrás de esta página no responde bien, así que esta petición no se "
          "ha iniciado."},
         {"It is being watched and comes back step by step as soon as it answers properly.",
          "Il est surveillé et reviendra par étapes dès qu’il répondra correctement.",
          "Er wird beobachtet und kommt Schritt für Schritt zurück, sobald er wieder richtig "
          "antwortet.",
          "Está bajo observación y volverá paso a paso en cuanto responda bien."}},
    [PAGE_RECOVERING] =
        {{"Coming back, step by step", "De retour, étape par étape",
          "Schritt für Schritt wieder da", "De vuelta, paso a paso"},
         {"The service works again and lets people in gradually; it was not yet this request’s "
          "turn.",
          "Le service fonctionne de nouveau et rouvre progressivement ; le tour de cette demande "
          "n’est pas encore venu.",
          "Der Dienst arbeitet wieder und lässt nach und nach Anfragen ein. Diese war noch nicht "
          "an "
          "der Reihe.",
          "El servicio funciona de nuevo y se abre poco a poco; todavía no era el turno de esta "
          "petición."},
         {"As long as all goes well, more and more is let in.",
          "Tant que tout va bien, l’ouverture continue.",
          "Solange alles gut geht, werden es immer mehr.",
          "Mientras todo vaya bien, se abrirá cada vez más."}},
    [PAGE_LIMITED] =
        {{"One moment, please", "Un instant, s’il vous plaît", "Einen Moment, bitte",
          "Un momento, por favor"},
         {"More requests came from you than fit at the moment, so this one was not started.",
          "Vous avez envoyé plus de demandes qu’il n’est possible d’en prendre pour l’instant ; "
          "celle-ci n’a pas été commencée.",
          "Von Ihnen kamen mehr Anfragen, als gerade angenommen werden können. Diese wurde nicht "
          "begonnen.",
          "Ha enviado más peticiones de las que se pueden aceptar ahora, así que esta no se ha "
          "iniciado."},
         {"There is room again as soon as some of them are done.",
          "Il y aura de nouveau de la place dès que certaines seront terminées.",
          "Es gibt wieder Platz, sobald einige davon fertig sind.",
          "Habrá sitio de nuevo en cuanto terminen algunas."}},
    [PAGE_CLOSING] = {{"Back in a moment", "De retour dans un instant", "Gleich wieder da",
                       "Volvemos en un momento"},
                      {"This server is being restarted and takes no new requests.",
                       "Ce serveur redémarre et ne prend pas de nouvelles demandes.",
                       "Dieser Server wird neu gestartet und nimmt keine neuen Anfragen an.",
                       "Este servidor se está reiniciando y no acepta peticiones nuevas."},
                      {"Answers that have begun are completed first.",
                       "Les réponses commencées sont d’abord menées à leur terme.",
                       "Begonnene Antworten werden noch zu Ende gebracht.",
                       "Primero se completan las respuestas ya empezadas."}},
    [PAGE_FAILED] = {{"That did not work", "Cela n’a pas fonctionné", "Das hat nicht geklappt",
                      "Eso no ha funcionado"},
                     {"The service behind this page failed before it could answer.",
                      "Le service derrière cette page a échoué avant de pouvoir répondre.",
                      "Der Dienst hinter dieser Seite ist ausgefallen, bevor er antworten konnte.",
                      "El servicio que hay detrás de esta página falló antes de poder responder."},
                     {"It was nothing you did. Trying again often helps.",
                      "Vous n’y êtes pour rien. Un nouvel essai suffit souvent.",
                      "Es lag nicht an Ihnen. Oft hilft ein neuer Versuch.",
                      "No es culpa suya. A menudo basta con volver a intentarlo."}},
    [PAGE_SLOW] = {{"No answer in time", "Pas de réponse à temps", "Keine Antwort zur rechten Zeit",
                    "Sin respuesta a tiempo"},
                   {"The service behind this page took too long to answer.",
                    "Le service derrière cette page a mis trop de temps à répondre.",
                    "Der Dienst hinter dieser Seite hat zu lange für eine Antwort gebraucht.",
                    "El servicio que hay detrás de esta página ha tardado demasiado en responder."},
                   {"It was nothing you did. Trying again often helps.",
                    "Vous n’y êtes pour rien. Un nouvel essai suffit souvent.",
                    "Es lag nicht an Ihnen. Oft hilft ein neuer Versuch.",
                    "No es culpa suya. A menudo basta con volver a intentarlo."}},
    [PAGE_UNREADABLE] =
        {{"This request could not be read", "Cette demande n’a pas pu être lue",
          "Diese Anfrage war nicht zu lesen", "No se pudo leer esta petición"},
         {"It does not follow the rules of HTTP and was not passed on.",
          "Elle ne suit pas les règles de HTTP et n’a pas été transmise.",
          "Sie folgt nicht den Regeln von HTTP und wurde nicht weitergegeben.",
          "No sigue las reglas de HTTP y no se ha transmitido."},
         {"Please check the address, or go back and try another way.",
          "Vérifiez l’adresse, ou revenez en arrière et essayez autrement.",
          "Bitte prüfen Sie die Adresse, oder gehen Sie zurück und versuchen Sie es anders.",
          "Compruebe la dirección o vuelva atrás e inténtelo de otra manera."}},
    [PAGE_TOO_LARGE] =
        {{"This request is too large", "Cette demande est trop grande", "Diese Anfrage ist zu groß",
          "Esta petición es demasiado grande"},
         {"It is larger than this server accepts and was not passed on.",
          "Elle dépasse ce que ce serveur accepte et n’a pas été transmise.",
          "Sie ist größer, als dieser Server erlaubt, und wurde nicht weitergegeben.",
          "Supera lo que acepta este servidor y no se ha transmitido."},
         {"A shorter text or a smaller file will get through.",
          "Un texte plus court ou un fichier plus petit passera.",
          "Ein kürzerer Text oder eine kleinere Datei kommt durch.",
          "Un texto más corto o un archivo más pequeño sí llegará."}},
    [PAGE_INCOMPLETE] =
        {{"The request did not arrive in time", "La demande n’est pas arrivée à temps",
          "Die Anfrage kam nicht rechtzeitig an", "La petición no llegó a tiempo"},
         {"It took too long to arrive as a whole and was not passed on.",
          "Elle a mis trop de temps à arriver en entier et n’a pas été transmise.",
          "Bis sie ganz angekommen war, verging zu viel Zeit. Sie wurde nicht weitergegeben.",
          "Tardó demasiado en llegar completa y no se ha transmitido."},
         {"Please check the connection and try again.", "Vérifiez la connexion et réessayez.",
          "Bitte prüfen Sie die Verbindung und versuchen Sie es noch einmal.",
          "Compruebe la conexión y vuelva a intentarlo."}},
    [PAGE_NOT_FOUND] = {{"Nothing here", "Rien ici", "Hier ist nichts", "Aquí no hay nada"},
                        {"There is nothing at this address.", "Il n’y a rien à cette adresse.",
                         "Unter dieser Adresse gibt es nichts.", "No hay nada en esta dirección."},
                        {"Please check how it is written.", "Vérifiez qu’elle est bien écrite.",
                         "Bitte prüfen Sie, ob sie richtig geschrieben ist.",
                         "Compruebe que esté bien escrita."}},
    [PAGE_NOT_ALLOWED] = {{"Not in this way", "Pas de cette manière", "Nicht auf diesem Weg",
                           "No de esta manera"},
                          {"This address does not accept this kind of request.",
                           "Cette adresse n’accepte pas ce genre de demande.",
                           "Diese Adresse nimmt solche Anfragen nicht an.",
                           "Esta dirección no acepta este tipo de petición."},
                          {"Please go back and try another way.",
                           "Revenez en arrière et essayez autrement.",
                           "Bitte gehen Sie zurück und versuchen Sie es anders.",
                           "Vuelva atrás e inténtelo de otra manera."}},
};

static const char *const words[WORD_COUNT][LANGUAGES] = {
    [WORD_WAIT_ONE] = {"This page tries again by itself in a second. No need to reload.",
                       "Cette page réessaie d’elle-même dans une seconde. Inutile de recharger.",
                       "Diese Seite versucht es in einer Sekunde von selbst wieder. Neu laden ist "
                       "nicht nötig.",
                       "Esta página lo intentará sola de nuevo en un segundo. No hace falta "
                       "recargarla."},
    [WORD_WAIT_MANY] = {"This page tries again by itself in {n}" NBSP "seconds. No need to reload.",
                        "Cette page réessaie d’elle-même dans {n}" NBSP
                        "secondes. Inutile de recharger.",
                        "Diese Seite versucht es in {n}" NBSP
                        "Sekunden von selbst wieder. Neu laden ist nicht "
                        "nötig.",
                        "Esta página lo intentará sola de nuevo en {n}" NBSP
                        "segundos. No hace falta "
                        "recargarla."},
    [WORD_SHARE] = {"About {n}" NBSP "% of the usual load is let in.",
                    "Environ {n}" NBSP "% de la charge habituelle est admise.",
                    "Etwa {n}" NBSP "% der üblichen Last werden eingelassen.",
                    "Se admite cerca del {n}" NBSP "% de la carga habitual."},
    [WORD_INCIDENT] = {"From the operators", "Message des exploitants", "Von den Betreibern",
                       "Mensaje de los responsables"},
    [WORD_REQUEST] = {"Request", "Demande", "Anfrage", "Petición"},
    [WORD_STATUS_LINK] = {"Service status", "État du service", "Zustand des Dienstes",
                          "Estado del servicio"},
    [WORD_SINCE] = {"Since {n}", "Depuis le {n}", "Seit {n}", "Desde el {n}"},
    [WORD_UPDATED] = {"As of {n}", "À jour au {n}", "Stand: {n}", "Actualizado: {n}"},
    [WORD_HISTORY] = {"Latest changes", "Derniers changements", "Letzte Wechsel",
                      "Últimos cambios"},
    [WORD_EXPECTED_SECONDS] = {"Full service is expected in about {n}" NBSP "seconds.",
                               "Retour complet attendu dans environ {n}" NBSP "secondes.",
                               "Voller Betrieb wird in etwa {n}" NBSP "Sekunden erwartet.",
                               "Se espera el servicio completo en unos {n}" NBSP "segundos."},
    [WORD_EXPECTED_MINUTES] = {"Full service is expected in about {n}" NBSP "minutes.",
                               "Retour complet attendu dans environ {n}" NBSP "minutes.",
                               "Voller Betrieb wird in etwa {n}" NBSP "Minuten erwartet.",
                               "Se espera el servicio completo en unos {n}" NBSP "minutos."},
};

static const char *const states[SERVICE_STATE_COUNT][PART_HAPPENED + 1][LANGUAGES] = {
    [SERVICE_SERVING] = {{"All is well", "Tout va bien", "Alles läuft", "Todo va bien"},
                         {"Requests are answered as usual.",
                          "Les demandes reçoivent une réponse comme d’habitude.",
                          "Anfragen werden wie gewohnt beantwortet.",
                          "Las peticiones se responden como siempre."}},
    [SERVICE_SHEDDING] =
        {{"Very busy", "Très chargé", "Sehr viel los", "Mucha demanda"},
         {"More is asked than can be answered at once. Some requests are turned away for a few "
          "seconds; conversations that have begun come first.",
          "Il y a plus de demandes que de réponses possibles à la fois. Certaines sont renvoyées "
          "quelques secondes ; les conversations engagées passent d’abord.",
          "Es wird mehr gefragt, als gleichzeitig beantwortet werden kann. Manche Anfragen werden "
          "für ein paar Sekunden abgewiesen; begonnene Gespräche gehen vor.",
          "Llegan más peticiones de las que se pueden atender a la vez. Algunas se rechazan unos "
          "segundos; las conversaciones ya empezadas van primero."}},
    [SERVICE_RECOVERING] = {{"Coming back", "De retour, par étapes", "Auf dem Weg zurück",
                             "Volviendo"},
                            {"The service works again and lets people in gradually.",
                             "Le service fonctionne de nouveau et rouvre progressivement.",
                             "Der Dienst arbeitet wieder und lässt nach und nach Anfragen ein.",
                             "El servicio funciona de nuevo y se abre poco a poco."}},
    [SERVICE_DOWN] =
        {{"Out of order", "Hors service", "Außer Betrieb", "Fuera de servicio"},
         {"The service does not answer properly. It is being watched and comes back step by step.",
          "Le service ne répond pas correctement. Il est surveillé et reviendra par étapes.",
          "Der Dienst antwortet nicht richtig. Er wird beobachtet und kommt Schritt für Schritt "
          "zurück.",
          "El servicio no responde bien. Está bajo observación y volverá paso a paso."}},
    [SERVICE_DRAINING] = {{"Restarting", "Redémarrage", "Neustart", "Reiniciando"},
                          {"This server is being restarted and takes no new requests.",
                           "Ce serveur redémarre et ne prend pas de nouvelles demandes.",
                           "Dieser Server wird neu gestartet und nimmt keine neuen Anfragen an.",
                           "Este servidor se está reiniciando y no acepta peticiones nuevas."}},
};

const char *page_text(enum page_kind k, enum page_part part, uint8_t language)
{
    WEIR_ASSERT(k < PAGE_KIND_COUNT && part < PAGE_PART_COUNT && language < LANGUAGES);
    return pages[k][part][language];
}

const char *word_text(enum word w, uint8_t language)
{
    WEIR_ASSERT(w < WORD_COUNT && language < LANGUAGES);
    return words[w][language];
}

const char *state_text(enum service_state s, enum page_part part, uint8_t language)
{
    WEIR_ASSERT((int)s < SERVICE_STATE_COUNT && part <= PART_HAPPENED && language < LANGUAGES);
    return states[s][part][language];
}
