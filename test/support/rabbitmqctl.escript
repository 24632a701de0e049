#!/usr/bin/env escript
%% -*- erlang -*-
%%! +S 1:1 +sbwt none +sbwtdcpu none +sbwtdio none -hidden
%% rabbitmqctl, for many commands: starting it takes more than a second of computing each time. Each line of standard
%% input is a command, its words in base64 after a dot; each line of standard output is its exit code, and in base64 what it wrote
%% to its standard output and to its standard error. RabbitMQ's own scripts choose the commands by this file's name.
-mode(compile).

%% Directory: where its modules are unpacked to.
main([Directory]) ->
    logger:set_primary_config(level, none),
    [Server | _] = filelib:wildcard("/usr/lib/rabbitmq/lib/rabbitmq_server-*"),
    code:add_pathsa(filelib:wildcard(filename:join(Server, "plugins/*/ebin"))),
    {ok, Sections} = escript:extract(filename:join(Server, "escript/rabbitmqctl"), []),
    {ok, _} = zip:unzip(proplists:get_value(archive, Sections), [{cwd, Directory}]),
    Apps = filelib:wildcard(filename:join(Directory, "**/*.app")),
    code:add_pathsa(lists:usort([filename:dirname(App) || App <- Apps])),
    {ok, _} = application:ensure_all_started(rabbitmqctl),
    serve().

serve() ->
    case io:get_line("") of
        eof -> ok;
        Line ->
            Words = [base64:decode(Word) || [$. | Word] <- string:lexemes(unicode:characters_to_list(Line), " \n")],
            {Code, Out, Errors} = run(Words),
            io:format("~p ~s ~s~n", [Code, encoded(Out), encoded(Errors)]),
            serve()
    end.

%% A command ends the process that runs it, with its exit code.
run(Words) ->
    Out = spawn_link(fun() -> collect([]) end),
    Errors = spawn_link(fun() -> collect([]) end),
    Terminal = whereis(standard_error),
    unregister(standard_error),
    register(standard_error, Errors),
    {Process, Monitor} = spawn_monitor(fun() ->
        group_leader(Out, self()),
        'Elixir.RabbitMQCtl':main(Words)
    end),
    Why = receive {'DOWN', Monitor, process, Process, Reason} -> Reason end,
    unregister(standard_error),
    register(standard_error, Terminal),
    {Code, Fault} = code_of(Why),
    {Code, collected(Out), [collected(Errors), Fault]}.

code_of({shutdown, Code}) when is_integer(Code) -> {Code, ""};
code_of(normal) -> {0, ""};
code_of(Why) -> {70, io_lib:format("~tp", [Why])}.

encoded(Chars) -> base64:encode(unicode:characters_to_binary(Chars)).

collected(Collector) ->
    Collector ! {done, self()},
    receive {collected, Collector, Chars} -> Chars end.

%% Stands in for a terminal (Erlang's I/O protocol).
collect(Chars) ->
    receive
        {done, From} -> From ! {collected, self(), lists:reverse(Chars)};
        {io_request, From, ReplyAs, Request} ->
            {Reply, More} = answer(Request),
            From ! {io_reply, ReplyAs, Reply},
            collect([More | Chars])
    end.

answer({put_chars, _Encoding, Chars}) -> {ok, Chars};
answer({put_chars, _Encoding, Module, Function, Arguments}) -> {ok, apply(Module, Function, Arguments)};
answer({requests, Requests}) -> {ok, [element(2, answer(Request)) || Request <- Requests]};
answer(getopts) -> {[{encoding, unicode}], []};
answer({setopts, _Options}) -> {ok, []};
answer(_Request) -> {{error, request}, []}.
