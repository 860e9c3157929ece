/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Completion scripts for bash and zsh.  Both hold the rows of the command table and walk them: the
 * rows whose words so far fit say what may come next; names of pools and upstreams are asked of the
 * running weir.
 */
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "ctl.h"

static const char bash_head[] =
    "# bash completion of weirctl; from `weirctl completion bash`\n"
    "# source it, or put it into /usr/share/bash-completion/completions/weirctl\n"
    "_weirctl_rows=(\n";

/* $1: the token that is due. */
static const char candidates[] =
    "  case \"$1\" in\n"
    "    POOL|'[POOL') _weirctl_names pools ;;\n"
    "    POOL/UPSTREAM) _weirctl_names upstreams ;;\n"
    "    *POOL\\[*) _weirctl_names pools; _weirctl_names upstreams ;;\n"
    "    '[for') echo for ;;\n"
    "    '[to') echo to for ;;\n"
    "    'PERCENT]') echo 5 10 25 50 ;;\n"
    "    'TIME]') echo 10m 30m 2h 12h ;;\n"
    "    PERCENT) echo 10 20 30 50 75 ;;\n"
    "    '[COUNT]') echo 10 20 50 ;;\n"
    "    '[COMMAND]') _weirctl_commands ;;\n"
    "    --*) echo \"$1\" ;;\n"
    "    [a-z]*) echo \"${1//|/ }\" ;;\n"
    "  esac\n";

/* A capital or bracketed token fits any word; a small one has to be one of its choices. */
static const char fits[] = "  case \"$2\" in\n"
                           "    [a-z]*) [[ \"|$2|\" == *\"|$1|\"* ]] ;;\n"
                           "    '[for') [[ \"$1\" == for ]] ;;\n"
                           "    '[to') [[ \"$1\" == to ]] ;;\n"
                           "    *) true ;;\n"
                           "  esac\n";

static const char bash_body[] =
    "_weirctl_names() {\n"
    "  weirctl \"${_weirctl_socket[@]}\" --names \"$1\" 2>/dev/null\n"
    "}\n"
    "_weirctl_commands() {\n"
    "  local row\n"
    "  for row in \"${_weirctl_rows[@]}\"; do echo \"${row%% *}\"; done\n"
    "}\n"
    "_weirctl() {\n"
    "  local cur=\"${COMP_WORDS[COMP_CWORD]}\" word row i fit out=''\n"
    "  local -a words=() tokens=()\n"
    "  _weirctl_socket=()\n"
    "  for ((i = 1; i < COMP_CWORD; i++)); do\n"
    "    word=\"${COMP_WORDS[i]}\"\n"
    "    if [[ $word == --socket ]]; then\n"
    "      ((++i == COMP_CWORD)) && { compopt -o default 2>/dev/null; return; }\n"
    "      _weirctl_socket=(--socket \"${COMP_WORDS[i]}\")\n"
    "    elif [[ $word != -* ]]; then\n"
    "      words+=(\"$word\")\n"
    "    fi\n"
    "  done\n"
    "  [[ $cur == -* ]] && out='--socket --json --here --help --version'\n"
    "  if ((${#words[@]} == 0)); then\n"
    "    out+=\" $(_weirctl_commands)\"\n"
    "  else\n"
    "    for row in \"${_weirctl_rows[@]}\"; do\n"
    "      read -ra tokens <<<\"$row\"\n"
    "      ((${#tokens[@]} > ${#words[@]})) || continue\n"
    "      fit=1\n"
    "      for i in \"${!words[@]}\"; do\n"
    "        _weirctl_fits \"${words[i]}\" \"${tokens[i]}\" || { fit=0; break; }\n"
    "      done\n"
    "      ((fit)) && out+=\" $(_weirctl_next \"${tokens[${#words[@]}]}\")\"\n"
    "    done\n"
    "  fi\n"
    "  mapfile -t COMPREPLY < <(compgen -W \"$out\" -- \"$cur\" | sort -u)\n"
    "}\n"
    "complete -F _weirctl weirctl\n";

static const char zsh_head[] = "#compdef weirctl\n"
                               "# zsh completion of weirctl; from `weirctl completion zsh`\n"
                               "# put it into a folder of $fpath as _weirctl\n"
                               "typeset -ga _weirctl_rows=(\n";

static const char zsh_body[] =
    "_weirctl_names() {\n"
    "  weirctl $_weirctl_socket --names \"$1\" 2>/dev/null\n"
    "}\n"
    "_weirctl_commands() {\n"
    "  print -l -- ${_weirctl_rows%% *}\n"
    "}\n"
    "_weirctl() {\n"
    "  local cur=\"${words[CURRENT]}\" word row fit\n"
    "  local -i i\n"
    "  local -a said tokens out\n"
    "  typeset -ga _weirctl_socket=()\n"
    "  for ((i = 2; i < CURRENT; i++)); do\n"
    "    word=\"${words[i]}\"\n"
    "    if [[ $word == --socket ]]; then\n"
    "      ((++i == CURRENT)) && { _files; return; }\n"
    "      _weirctl_socket=(--socket \"${words[i]}\")\n"
    "    elif [[ $word != -* ]]; then\n"
    "      said+=(\"$word\")\n"
    "    fi\n"
    "  done\n"
    "  [[ $cur == -* ]] && out=(--socket --json --here --help --version)\n"
    "  if (($#said == 0)); then\n"
    "    out+=(${(f)\"$(_weirctl_commands)\"})\n"
    "  else\n"
    "    for row in $_weirctl_rows; do\n"
    "      tokens=(${(s: :)row})\n"
    "      (($#tokens > $#said)) || continue\n"
    "      fit=1\n"
    "      for ((i = 1; i <= $#said; i++)); do\n"
    "        _weirctl_fits \"${said[i]}\" \"${tokens[i]}\" || { fit=0; break; }\n"
    "      done\n"
    "      ((fit)) && out+=(${=\"$(_weirctl_next \"${tokens[$#said + 1]}\")\"})\n"
    "    done\n"
    "  fi\n"
    "  compadd -U -- ${(M)${(u)out}:#${cur}*}\n"
    "}\n"
    "if [[ $funcstack[1] == _weirctl ]]; then _weirctl \"$@\"; else compdef _weirctl weirctl; fi\n";

static void print_rows(void)
{
    for (int i = 0; i < COMMAND_ALL_COUNT; i++)
        (void)printf("  '%s%s%s'\n", command_rows[i].name,
                     command_rows[i].args[0] == '\0' ? "" : " ", command_rows[i].args);
    (void)printf(")\n_weirctl_next() {\n%s}\n_weirctl_fits() {\n%s}\n", candidates, fits);
}

enum ctl_exit ctl_completion(struct slice shell)
{
    bool bash = slice_eq(shell, SLICE_LIT("bash"));

    (void)fputs(bash ? bash_head : zsh_head, stdout);
    print_rows();
    (void)fputs(bash ? bash_body : zsh_body, stdout);
    return CTL_DONE;
}

/* --- names */

static void print_names(const json_t *pools, bool upstreams)
{
    size_t i, k;
    const json_t *pool, *upstream;

    json_array_foreach(pools, i, pool)
    {
        const char *name = json_string_value(json_object_get(pool, "name"));
        if (name == NULL)
            continue;
        if (!upstreams)
            (void)puts(name);
        json_array_foreach(json_object_get(pool, "upstreams"), k, upstream)
        {
            const char *u = json_string_value(json_object_get(upstream, "name"));
            if (upstreams && u != NULL)
                (void)printf("%s/%s\n", name, u);
        }
    }
}

enum ctl_exit ctl_names(const struct ctl *c, const char *what)
{
    char why[1024];
    struct buf answer = BUF_INIT;
    struct link l;
    json_t *status = NULL;

    if (!link_open(&l, c->socket, why, sizeof why))
        return CTL_NO_ANSWER;
    if (link_answer(&l, SLICE_LIT("status --json\n"), &answer) == WEIR_OK)
        status = json_loadb(buf_slice(&answer).p, buf_slice(&answer).len, 0, NULL);
    print_names(json_object_get(status, "pools"), strcmp(what, "upstreams") == 0);
    json_decref(status);
    buf_free(&answer);
    link_close(&l);
    return status == NULL ? CTL_NO_ANSWER : CTL_DONE;
}
