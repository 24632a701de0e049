/** Shells that `celery-load completion` knows. */
export const SHELLS = ["bash", "zsh", "fish"] as const;

export type Shell = (typeof SHELLS)[number];

/** What to do with the script, for the help. */
export const COMPLETION_HELP = `
Install it for yourself, then start a new shell:
  bash  celery-load completion bash > ~/.local/share/bash-completion/completions/celery-load
        (make the folder first; needs the package bash-completion), or in ~/.bashrc:
        eval "$(celery-load completion bash)"
  zsh   in ~/.zshrc, after compinit:
        source <(celery-load completion zsh)
  fish  celery-load completion fish > ~/.config/fish/completions/celery-load.fish
Write it anew after an update of celery-load.`;
